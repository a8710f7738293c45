package merging_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/members/merging"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/timetracking"
)

type world struct{ *apitest.World }

func (w world) handle(c apitest.Caller) *store.Organization {
	return w.Store.BindOrganization(c.Org, store.Actor{Who: "test"})
}

func (w world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func (w world) try(histories ...merging.History) error {
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	return merging.MergeMembers(histories...).Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

// run lets a minute pass and runs the job.
func (w world) run() {
	w.T.Helper()
	w.Clock.Advance(members.Settle)
	w.must(w.try(merging.Histories()...))
}

func into[T any](w world, a apitest.Answer, status int) T {
	w.T.Helper()
	w.Want(a, status, "")
	var b T
	a.Into(w.T, &b)
	return b
}

func (w world) placeholder(by apitest.Caller, label string) members.MemberBody {
	w.T.Helper()
	return into[members.MemberBody](w, w.Call(members.CreateMember(w.Store), by, apitest.Request{Body: map[string]any{"label": label}}), 201)
}

func (w world) merge(by apitest.Caller, from, to, match string) apitest.Answer {
	return w.Call(members.MergeMember(w.Store), by, apitest.Request{Path: "/v1/members/" + from + "/merge", IfMatch: match, Body: map[string]any{"into": to}})
}

func (w world) get(by apitest.Caller, member string) members.MemberBody {
	w.T.Helper()
	return into[members.MemberBody](w, w.Call(members.GetMember(), by, apitest.Request{Path: "/v1/members/" + member}), 200)
}

func (w world) access(c apitest.Caller, member string) *access.Access {
	w.T.Helper()
	a, err := store.Get[access.Access](context.Background(), w.handle(c), access.AccessKey(c.Org, id.Member(member)))
	w.must(err)
	return a
}

// gone makes a member with a history and removes them.
func (w world) gone(owner apitest.Caller, project string, entries int) (member string, all []timetracking.EntryBody) {
	w.T.Helper()
	m := w.Member(owner.Org, access.Contributor)
	for range entries {
		w.Clock.Advance(time.Second)
		now := w.Clock.Now()
		all = append(all, into[timetracking.EntryBody](w, w.Call(timetracking.CreateTimeEntry(w.Store), m, apitest.Request{Body: map[string]any{"project_id": project,
			"start": now.Add(-time.Hour).Format(time.RFC3339), "end": now.Format(time.RFC3339)}}), 201))
	}
	w.Want(w.Call(members.RemoveMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(m.Member), IfMatch: "*"}), 204, "")
	return string(m.Member), all
}

func (w world) project(c apitest.Caller) string {
	w.T.Helper()
	return into[projects.ProjectBody](w, w.Call(projects.CreateProject(w.Store), c, apitest.Request{Body: map[string]any{"key": "WEB", "name": "x"}}), 201).ID
}

func (w world) entry(c apitest.Caller, e timetracking.EntryBody) timetracking.EntryBody {
	w.T.Helper()
	return into[timetracking.EntryBody](w, w.Call(timetracking.GetTimeEntry(), c, apitest.Request{Path: "/v1/time-entries/" + e.ID}), 200)
}

// entriesOf counts the entries that are listed by a member.
func (w world) entriesOf(c apitest.Caller, member string) (n int) {
	w.T.Helper()
	h := w.handle(c)
	for _, err := range store.All[timetracking.Entry](context.Background(), h, store.Query{Index: store.Index2, Partition: h.Scope().Partition(timetracking.FamilyEntry, member), Limit: 50}) {
		w.must(err)
		n++
	}
	return n
}

func (w world) clocks() (n int) {
	w.T.Helper()
	for _, err := range store.AllDue(context.Background(), w.Store.BindPlatform(store.Actor{}), members.DueMerge, w.Clock.Now().AddDate(1, 0, 0)) {
		w.must(err)
		n++
	}
	return n
}

func TestAHistoryMoves(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	project := w.project(owner)
	bob := w.Member(owner.Org, access.Contributor)
	now := w.Clock.Now()
	one := into[timetracking.EntryBody](w, w.Call(timetracking.CreateTimeEntry(w.Store), bob, apitest.Request{Body: map[string]any{"project_id": project,
		"start": now.Add(-time.Hour).Format(time.RFC3339), "end": now.Format(time.RFC3339)}}), 201)
	file := into[files.FileBody](w, w.Call(files.CreateFile(w.Store, new(blobtest.Bucket)), bob, apitest.Request{Body: map[string]any{"name": "Offer.pdf", "size": 4,
		"media_type": "application/pdf", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "parent_type": "project", "parent_id": project}}), 201)
	ticket := into[support.TicketBody](w, w.Call(support.CreateTicket(w.Store), bob, apitest.Request{Body: map[string]any{"subject": "Where?", "text": "Where is it?"}}), 201)
	w.Want(w.Call(timetracking.StartTimer(w.Store), bob, apitest.Request{Body: map[string]any{"project_id": project}}), 201, "")
	w.Want(w.Call(members.RemoveMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(bob.Member), IfMatch: "*"}), 204, "")
	row, err := timetracking.ReadEntry(context.Background(), w.handle(owner), id.Entry(one.ID))
	w.must(err)
	tx := w.Store.Begin()
	timetracking.Claim(tx, w.handle(owner), row, "inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", w.Clock.Now())
	claim := &invoicing.Claim{Org: owner.Org, Invoice: row.Invoice, Entry: row.ID, Member: bob.Member, Date: row.Date}
	tx.Put(w.handle(owner), claim)
	w.must(tx.Commit(context.Background()))

	again := w.Member(owner.Org, access.Contributor)
	a := w.merge(owner, string(bob.Member), string(again.Member), "*")
	if b := into[members.MemberBody](w, a, http.StatusAccepted); b.Status != members.Merging || b.MergedInto != string(again.Member) {
		t.Errorf("a merge = %+v; want it merging into the member", b)
	}
	w.must(w.try(merging.Histories()...))
	if got := w.entry(owner, one); got.MemberID != string(bob.Member) {
		t.Error("history moved before writers were through")
	}
	w.run()
	if got := w.get(owner, string(bob.Member)); got.Status != members.Merging {
		t.Errorf("after the first look it is %s; want it merging, and looked at again", got.Status)
	}
	since := w.Clock.Now()
	w.run()
	if got := w.get(owner, string(bob.Member)); got.Status != members.Merged || got.MergedInto != string(again.Member) {
		t.Errorf("at the end = %+v; want it merged, and a pointer", got)
	}
	if got := w.entry(owner, one); got.MemberID != string(again.Member) || got.Locked != timetracking.Invoiced || got.Seconds != one.Seconds || got.UpdatedAt.Before(since) {
		t.Errorf("the entry = %+v; want it the other member's, locked as it was", got)
	}
	if n, left := w.entriesOf(owner, string(again.Member)), w.entriesOf(owner, string(bob.Member)); n != 2 || left != 0 {
		t.Errorf("%d entries are the member's and %d the placeholder's; want both, and none", n, left)
	}
	if got := into[files.FileBody](w, w.Call(files.GetFile(), owner, apitest.Request{Path: "/v1/files/" + file.ID}), 200); got.UploadedBy != string(again.Member) {
		t.Errorf("the file was uploaded by %s", got.UploadedBy)
	}
	thread := into[support.ThreadBody](w, w.Call(support.GetTicket(), again, apitest.Request{Path: "/v1/support/tickets/" + ticket.ID}), 200)
	if thread.MemberID != string(again.Member) || thread.Thread[0].MemberID != string(again.Member) {
		t.Errorf("the ticket = %+v; want it the other member's", thread)
	}
	if c, err := store.Get[invoicing.Claim](context.Background(), w.handle(owner), claim.Keys().Primary); err != nil || c.Member != again.Member {
		t.Errorf("on the invoice it is %v's, %v", c, err)
	}
	if a := w.access(owner, string(again.Member)); a.Receiving != 0 || w.clocks() != 0 {
		t.Errorf("%d merges are still under way, and %d clocks", a.Receiving, w.clocks())
	}
	w.Want(w.Call(members.UpdateMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(bob.Member), IfMatch: "*", Body: map[string]any{"label": "x"}}), 409, "member_merging")
}

// TestAMergeLeavesTheProjectsOfTheMember is about who came back by an invitation into projects: a merge takes none of them
// away, and lets nobody into those that the placeholder worked on.
func TestAMergeLeavesTheProjectsOfTheMember(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	before := w.project(owner)
	now := into[projects.ProjectBody](w, w.Call(projects.CreateProject(w.Store), owner, apitest.Request{Body: map[string]any{"key": "APP", "name": "x"}}), 201).ID
	on := func(project string, c apitest.Caller) {
		into[projects.ProjectMemberBody](w, w.Call(projects.CreateProjectMember(w.Store), owner, apitest.Request{Path: "/v1/projects/" + project + "/members",
			Body: map[string]any{"member_id": string(c.Member)}}), 201)
	}
	bob, again := w.Member(owner.Org, access.Guest), w.Member(owner.Org, access.Guest)
	on(before, bob)
	on(now, again)
	w.Want(w.Call(members.RemoveMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(bob.Member), IfMatch: "*"}), 204, "")
	into[members.MemberBody](w, w.merge(owner, string(bob.Member), string(again.Member), "*"), 202)
	w.run()
	w.run()
	if got := w.get(owner, string(bob.Member)); got.Status != members.Merged {
		t.Fatalf("the placeholder is %s; want it merged", got.Status)
	}
	for project, want := range map[string]int{before: 404, now: 200} {
		w.Want(w.Call(projects.GetProject(), again, apitest.Request{Path: "/v1/projects/" + project}), want, "")
	}
	if rows, _, err := store.List[projects.Member](context.Background(), w.handle(owner), store.Query{Partition: w.handle(owner).Scope().Partition(projects.FamilyMember, before), Limit: 10}); err != nil || len(rows) != 0 {
		t.Errorf("the placeholder is still on %d projects, %v; want none", len(rows), err)
	}
}

func TestAMergeIsRefused(t *testing.T) {
	w := world{apitest.New(t)}
	owner, stranger := w.Organization(), w.Organization()
	free, foreign := w.placeholder(owner, "Kim").ID, w.placeholder(stranger, "Kim").ID
	source, target := w.placeholder(owner, "Sam").ID, w.placeholder(owner, "Sam again").ID
	held := w.Member(owner.Org, access.Contributor)
	into[members.MemberBody](w, w.merge(owner, source, target, "*"), 202)
	tx := w.Store.Begin()
	tx.Change(w.handle(owner), access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("restricted_members", []id.Member{held.Member}) })
	w.must(tx.Commit(context.Background()))
	const none = "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	tests := []struct {
		name            string
		by              apitest.Caller
		from, to, match string
		status          int
		code            string
	}{
		{"of somebody who is there", owner, string(owner.Member), free, "*", 409, "member_active"},
		{"into itself", owner, free, free, "*", 422, "invalid_input"},
		{"of nobody", owner, none, free, "*", 404, "member_not_found"},
		{"into nobody", owner, free, none, "*", 404, "member_not_found"},
		{"of another organization's", owner, foreign, free, "*", 404, "member_not_found"},
		{"into another organization's", owner, free, foreign, "*", 404, "member_not_found"},
		{"into what is no member", owner, free, "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "*", 404, "member_not_found"},
		{"without a version", owner, free, string(owner.Member), "", 428, "if_match_required"},
		{"of an old version", owner, free, string(owner.Member), `"9"`, 412, "stale_version"},
		{"twice", owner, source, free, "*", 409, "member_merging"},
		{"into one that is merging", owner, free, source, "*", 409, "member_merging"},
		{"of one that others merge into", owner, target, free, "*", 409, "member_merging"},
		{"into a restricted member", owner, free, string(held.Member), "*", 409, "kept_by_law"},
		{"by a manager", w.Member(owner.Org, access.Manager), free, string(owner.Member), "*", 403, "permission_denied"},
		{"by a member", w.Member(owner.Org, access.Contributor), free, string(owner.Member), "*", 403, "permission_denied"},
		{"by an accountant", w.Member(owner.Org, access.Accountant), free, string(owner.Member), "*", 403, "permission_denied"},
		{"by a guest", w.Member(owner.Org, access.Guest), free, string(owner.Member), "*", 403, "permission_denied"},
		{"by an admin", w.Member(owner.Org, access.Admin), free, target, "*", 202, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.In(t).Want(w.merge(tt.by, tt.from, tt.to, tt.match), tt.status, tt.code)
		})
	}
	if n := w.access(owner, target).Receiving; n != 2 {
		t.Errorf("%d merge into one; want 2", n)
	}
	w.run()
	if n := w.access(owner, target).Receiving; n != 0 || w.get(owner, free).Status != members.Merged {
		t.Errorf("%d still merge into one; want none", n)
	}
	w.Want(w.merge(owner, w.placeholder(owner, "Late").ID, free, "*"), 409, "member_merging")
}

func TestARepeatMergesOnce(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	from, to := w.placeholder(owner, "Kim"), w.placeholder(owner, "Kim again")
	call := func() apitest.Answer {
		return w.Call(members.MergeMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + from.ID + "/merge", IfMatch: `"1"`, Key: "k", Body: map[string]any{"into": to.ID}})
	}
	w.Want(call(), 202, "")
	w.run()
	again := call()
	if b := into[members.MemberBody](w, again, 202); b.Status != members.Merged || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat = %+v; want what became of the first", b)
	}
	if n := w.access(owner, to.ID).Receiving; n != 0 {
		t.Errorf("%d merge into it; want none", n)
	}
}

// TestMergesMeet lets merges that cannot both be right begin at once.
func TestMergesMeet(t *testing.T) {
	for name, pairs := range map[string][2][2]int{"into each other": {{0, 1}, {1, 0}}, "of one into two": {{0, 1}, {0, 2}}, "of one into the next": {{0, 1}, {1, 2}}} {
		t.Run(name, func(t *testing.T) {
			w := world{apitest.New(t)}
			owner := w.Organization()
			var all []string
			for range 3 {
				all = append(all, w.placeholder(owner, "Kim").ID)
			}
			codes := make([]int, 2)
			var wg sync.WaitGroup
			for n, p := range pairs {
				wg.Go(func() { codes[n] = w.merge(owner, all[p[0]], all[p[1]], `"1"`).Status })
			}
			wg.Wait()
			if slices.Sort(codes); codes[0] != 202 || codes[1] != 409 && codes[1] != 412 {
				t.Errorf("two at once = %v; want one of them taken", codes)
			}
		})
	}
}

// TestAMergeIsKilledAndGoesOn stops a run after a part of the entries, runs it twice at once and days late, and ends the
// same.
func TestAMergeIsKilledAndGoesOn(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	from, all := w.gone(owner, w.project(owner), 12)
	to := w.placeholder(owner, "Kim").ID
	w.Want(w.merge(owner, from, to, "*"), 202, "")
	w.Clock.Advance(members.Settle)
	killed := errors.New("killed")
	entries := merging.Histories()[0]
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	half := merging.History{Type: entries.Type, Move: func(context.Context, *merging.Move) (int, error) {
		h := w.handle(owner)
		for e, err := range store.All[timetracking.Entry](ctx, h, store.Query{Index: store.Index2, Partition: h.Scope().Partition(timetracking.FamilyEntry, from), Limit: 5}) {
			w.must(err)
			if n++; n > 5 {
				cancel()
				return n, killed
			}
			e.Member = id.Member(to)
			tx := w.Store.Begin()
			tx.Replace(h, e)
			w.must(tx.Commit(context.Background()))
		}
		return n, nil
	}}
	if err := w.try(half); !errors.Is(err, killed) {
		t.Fatalf("a killed run = %v", err)
	}
	w.Clock.Advance(3 * 24 * time.Hour)
	for range 2 {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := w.try(merging.Histories()...); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.Clock.Advance(members.Settle)
	}
	w.run()
	if n := w.entriesOf(owner, to); n != len(all) || w.access(owner, from).Merged == 0 || w.access(owner, to).Receiving != 0 || w.clocks() != 0 {
		t.Errorf("%d of %d entries moved, merged at %d, %d under way, %d clocks", n, len(all), w.access(owner, from).Merged, w.access(owner, to).Receiving, w.clocks())
	}
}

func TestAHoldInTheMiddleWaits(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	from, all := w.gone(owner, w.project(owner), 2)
	to := w.placeholder(owner, "Kim").ID
	w.Want(w.merge(owner, from, to, "*"), 202, "")
	hold := func(change func(*dynamo.Update)) {
		tx := w.Store.Begin()
		tx.Change(w.handle(owner), access.OrganizationGateKey(owner.Org), change)
		w.must(tx.Commit(context.Background()))
	}
	hold(func(u *dynamo.Update) { u.Set("held_members", []id.Member{id.Member(from)}) })
	w.run()
	w.run()
	if n := w.entriesOf(owner, from); n != len(all) {
		t.Errorf("%d entries stayed under the hold; want %d", n, len(all))
	}
	hold(func(u *dynamo.Update) { u.Remove("held_members") })
	w.Clock.Advance(24 * time.Hour)
	w.run()
	w.run()
	if n := w.entriesOf(owner, to); n != len(all) || w.access(owner, from).Merged == 0 {
		t.Errorf("%d entries moved after it; want %d", n, len(all))
	}
}

// TestEveryHistoryMoves holds the list of histories to the register: what is listed by its member moves with them.
func TestEveryHistoryMoves(t *testing.T) {
	var moves []string
	for _, h := range merging.Histories() {
		moves = append(moves, h.Type)
	}
	for _, r := range catalog.Rows() {
		if r.MemberIndex != "" && r.Type != new(timetracking.Timer).Type() && !slices.Contains(moves, r.Type) {
			t.Errorf("%s is listed by its member, and does not move", r.Type)
		}
	}
	if len(moves) < 4 {
		t.Errorf("%v move", moves)
	}
}
