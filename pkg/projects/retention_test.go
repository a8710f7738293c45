package projects_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	secrets "pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/timetracking"
)

// keeping is a world in which project data has an end.
type keeping struct {
	world
	incoming, kept *blobtest.Bucket
	parts          []projects.Part
}

const days = 24 * time.Hour

func newKeeping(t *testing.T) *keeping {
	w := &keeping{world: newWorld(t), incoming: &blobtest.Bucket{Overwrites: true}, kept: new(blobtest.Bucket)}
	w.parts = []projects.Part{timetracking.DeleteOutlived, files.DeleteOutlived(w.incoming, w.kept)}
	return w
}

// office makes an organization with a setting; its clocks follow at once.
func (w *keeping) office(kept int, event retention.Event) apitest.Caller {
	w.T.Helper()
	owner := w.Organization()
	tx := w.Store.Begin()
	tx.Create(w.handle(owner), organization.New(owner.Org, "Example Studio", "DE", w.Clock.Now()))
	w.must(tx.Commit(context.Background()))
	if kept != 0 {
		w.set(owner, kept, event)
	}
	return owner
}

// set changes the setting and lets the clocks follow, a minute and a sweep later.
func (w *keeping) set(c apitest.Caller, kept int, event retention.Event) {
	w.T.Helper()
	w.Want(w.Call(organization.UpdateOrganization(w.Store, new(keystest.Vault)), c, apitest.Request{IfMatch: "*",
		Body: map[string]any{"retention_days": kept, "retention_event": event}}), http.StatusOK, "")
	w.Clock.Advance(time.Minute)
	w.sweep()
}

func (w *keeping) handle(c apitest.Caller) *store.Organization {
	h := w.Store.BindOrganization(c.Org, store.Actor{Who: "test"})
	h.SeeRestricted()
	h.SeeDue()
	return h
}

func (w *keeping) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func (w *keeping) try() error {
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	job := privacy.SweepRetention(nil, retention.Clearance{Kind: retention.ProjectSetting, Clear: projects.Follow},
		retention.Clearance{Kind: retention.ProjectPurge, Clear: projects.Purge(w.parts...)})
	return job.Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

func (w *keeping) sweep() {
	w.T.Helper()
	w.must(w.try())
}

// later moves the clock, sweeps, and gives the caller with a fresh token.
func (w *keeping) later(c apitest.Caller, d time.Duration) apitest.Caller {
	w.T.Helper()
	c = w.Later(c, d)
	w.sweep()
	return c
}

// gone lets a project's time be over from the last activity now: told, shut and deleted.
func (w *keeping) gone(c apitest.Caller, kept int) apitest.Caller {
	w.T.Helper()
	w.later(c, time.Duration(kept)*days-retention.ExportOffer)
	w.later(c, retention.ExportOffer)
	return w.later(c, projects.Wait)
}

func (w *keeping) entry(c apitest.Caller, p projects.ProjectBody) timetracking.EntryBody {
	w.T.Helper()
	now := w.Clock.Now()
	a := w.Call(timetracking.CreateTimeEntry(w.Store), c, apitest.Request{Body: map[string]any{"project_id": p.ID, "start": now.Add(-time.Hour).Format(time.RFC3339), "end": now.Format(time.RFC3339)}})
	w.Want(a, http.StatusCreated, "")
	var e timetracking.EntryBody
	a.Into(w.T, &e)
	return e
}

func (w *keeping) hasEntry(c apitest.Caller, e timetracking.EntryBody) bool {
	return w.Call(timetracking.GetTimeEntry(), c, apitest.Request{Path: "/v1/time-entries/" + e.ID}).Status == http.StatusOK
}

func (w *keeping) file(c apitest.Caller, p projects.ProjectBody) files.FileBody {
	w.T.Helper()
	const text = "%PDF-1.7 what somebody wants to keep"
	sum := sha256.Sum256([]byte(text))
	a := w.Call(files.CreateFile(w.Store, w.incoming), c, apitest.Request{Body: map[string]any{"name": "Offer.pdf", "size": len(text), "media_type": "application/pdf",
		"sha256": hex.EncodeToString(sum[:]), "parent_type": "project", "parent_id": p.ID}})
	w.Want(a, http.StatusCreated, "")
	var f files.FileBody
	a.Into(w.T, &f)
	w.must(w.incoming.Send(f.Upload.URL, []byte(text)))
	w.Want(w.Call(files.ConfirmFile(w.Store, w.incoming, w.kept), c, apitest.Request{Path: "/v1/files/" + f.ID + "/confirm"}), http.StatusOK, "")
	return f
}

func (w *keeping) project(c apitest.Caller, p projects.ProjectBody) projects.ProjectBody {
	w.T.Helper()
	a := w.get(c, p)
	w.Want(a, http.StatusOK, "")
	return read(w.world, a)
}

func (w *keeping) isGone(c apitest.Caller, p projects.ProjectBody) bool {
	return w.get(c, p).Code() == "project_not_found"
}

// notices gives the days of the mails that an owner was sent.
func (w *keeping) notices(c apitest.Caller) (all []string) {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	h.SeeDue()
	for m, err := range store.All[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 10}) {
		w.must(err)
		if m.Template == projects.MailRetention {
			all = append(all, m.Ids["day"])
		}
	}
	return all
}

// clocks counts what is due of a kind within ten years.
func (w *keeping) clocks(kind store.DueKind) (n int) {
	w.T.Helper()
	for _, err := range store.AllDue(context.Background(), w.Store.BindPlatform(store.Actor{}), kind, w.Clock.Now().AddDate(11, 0, 0)) {
		w.must(err)
		n++
	}
	return n
}

// purges counts the acts on record of this month.
func (w *keeping) purges() int {
	w.T.Helper()
	p := w.Store.BindPlatform(store.Actor{})
	rows, _, err := store.List[privacy.Purge](context.Background(), p, store.Query{Partition: p.Scope().Partition(privacy.FamilyPurge, w.Clock.Now().Format("2006-01")), Limit: 10})
	w.must(err)
	return len(rows)
}

// mark changes a flag of a row of an organization.
func (w *keeping) mark(c apitest.Caller, key store.Key, change func(*dynamo.Update)) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Change(w.handle(c), key, change)
	w.must(tx.Commit(context.Background()))
}

func held(u *dynamo.Update)   { u.Set("held", true) }
func unheld(u *dynamo.Update) { u.Remove("held") }

func TestProjectDataGoesWhenItsTimeIsOver(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(30, retention.LastActivity)
	bakery := w.client(owner)
	web, app := w.create(owner, "WEB", bakery.ID), w.create(owner, "APP", "")
	entry, file := w.entry(owner, web), w.file(owner, web)
	member := w.Member(owner.Org, access.Contributor)
	w.Want(w.Call(timetracking.StartTimer(w.Store), member, apitest.Request{Body: map[string]any{"project_id": web.ID}}), http.StatusCreated, "")
	a := w.Call(invoicing.CreateInvoice(w.Store, secrets.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: map[string]any{"client_id": bakery.ID,
		"lines": []any{map[string]any{"description": "Design", "quantity": "1", "unit_price": map[string]any{"amount": 9000, "currency": "EUR"}}}}})
	w.Want(a, http.StatusCreated, "")
	var invoice invoicing.Body
	a.Into(t, &invoice)
	start := w.Clock.Now()

	owner = w.later(owner, 16*days-time.Minute)
	if got := w.project(owner, web); got.DeletionAt != nil || len(w.notices(owner)) != 0 {
		t.Errorf("more than 14 days before: %v, %v; want nobody told", got.DeletionAt, w.notices(owner))
	}
	recent := w.entry(owner, app)
	owner = w.later(owner, time.Minute)
	w.sweep()
	end := start.Add(30 * days)
	if got := w.project(owner, web); got.DeletionAt == nil || !got.DeletionAt.Equal(end) {
		t.Errorf("told = %v; want %v", got.DeletionAt, end)
	}
	if got := w.notices(owner); !slices.Equal(got, []string{end.Format(time.DateOnly)}) {
		t.Errorf("the owner was told of %v; want once of %v", got, end)
	}
	owner = w.later(owner, 14*days-time.Second)
	if got := w.project(owner, web); got.Status != projects.Active || !w.hasEntry(owner, entry) {
		t.Errorf("a second before, the project is %s; want it whole", got.Status)
	}
	owner = w.later(owner, time.Second)
	if got := w.project(owner, web); got.Status != projects.Closing || !w.hasEntry(owner, entry) {
		t.Errorf("when its time is over, the project is %s; want it closing and whole", got.Status)
	}
	w.Want(w.patch(owner, web, map[string]any{"name": "x"}), http.StatusConflict, "project_closing")
	owner = w.Later(owner, projects.Wait)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := w.try(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.sweep()

	if !w.isGone(owner, web) || w.hasEntry(owner, entry) || w.Call(files.GetFile(), owner, apitest.Request{Path: "/v1/files/" + file.ID}).Code() != "file_not_found" {
		t.Error("the project, its entry or its file is still there")
	}
	if left := slices.Concat(w.incoming.Keys(), w.kept.Keys()); len(left) != 0 {
		t.Errorf("objects are left: %v", left)
	}
	if a := w.Call(timetracking.GetTimer(), w.Later(member, 0), apitest.Request{}); a.Code() != "no_timer" {
		t.Errorf("the timer = %d %s; want none", a.Status, a.Code())
	}
	if got := w.project(owner, app); got.Status != projects.Active || !w.hasEntry(owner, recent) {
		t.Errorf("another project is %s; want it as it was", got.Status)
	}
	w.Want(w.Call(invoicing.GetInvoice(nil), owner, apitest.Request{Path: "/v1/invoices/" + invoice.ID}), http.StatusOK, "")
	if n := w.clientNow(owner, bakery).Projects; n != 0 {
		t.Errorf("the client has %d projects; want none", n)
	}
	w.create(owner, "WEB", bakery.ID) // the key is free
	if n := w.purges(); n != 1 {
		t.Errorf("%d acts of retention are on record; want 1", n)
	}
	w.Want(w.Call(projects.ListProjects(), owner, apitest.Request{Path: "/v1/projects?updated_since=" + w.Clock.Now().Add(-time.Hour).Format(time.RFC3339)}), http.StatusGone, "resync_required")
	if booked, err := projects.Booked(context.Background(), w.handle(owner), id.Project(web.ID)); err != nil || booked {
		t.Errorf("bookings are left: %v, %v", booked, err)
	}
}

func TestWorkPutsItOff(t *testing.T) {
	tests := []struct {
		name string
		work func(w *keeping, c apitest.Caller, p projects.ProjectBody)
	}{
		{"hours", func(w *keeping, c apitest.Caller, p projects.ProjectBody) { w.entry(c, p) }},
		{"a file", func(w *keeping, c apitest.Caller, p projects.ProjectBody) { w.file(c, p) }},
		{"a change", func(w *keeping, c apitest.Caller, p projects.ProjectBody) {
			w.Want(w.patch(c, p, map[string]any{"name": "Still alive"}), http.StatusOK, "")
		}},
		{"the archive", func(w *keeping, c apitest.Caller, p projects.ProjectBody) {
			w.Want(w.Call(projects.ArchiveProject(w.Store), c, apitest.Request{Path: at(p, "/archive"), IfMatch: "*"}), http.StatusOK, "")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newKeeping(t)
			owner := w.office(30, retention.LastActivity)
			p := w.create(owner, "WEB", "")
			owner = w.later(owner, 16*days)
			owner = w.later(owner, 13*days)
			tt.work(w, owner, p)
			worked := w.Clock.Now()
			owner = w.later(owner, 15*days)
			if got := w.project(owner, p); got.Status == projects.Closing || got.DeletionAt != nil {
				t.Errorf("after work it is %s and goes %v; want it kept", got.Status, got.DeletionAt)
			}
			owner = w.later(owner, 2*days)
			if got := w.project(owner, p).DeletionAt; got == nil || got.Before(worked.Add(30*days)) {
				t.Errorf("it goes %v; want 30 days after the work at %v", got, worked)
			}
			if got := w.notices(owner); len(got) != 2 {
				t.Errorf("the owner was told of %v; want twice", got)
			}
		})
	}
}

func TestTheLastWriterIsSeen(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(30, retention.LastActivity)
	p := w.create(owner, "WEB", "")
	owner = w.later(owner, 16*days)
	owner = w.later(owner, 14*days)
	w.Clock.Advance(10 * time.Second)
	number := strings.TrimPrefix(string(id.New[id.Entry](w.Store.IDs())), "ent_")
	tx := w.Store.Begin()
	projects.Book(tx, w.handle(owner), id.Project(p.ID), number) // by a writer that saw the project open
	w.must(tx.Commit(context.Background()))
	owner = w.later(owner, projects.Wait)
	if got := w.project(owner, p); got.Status != projects.Active || got.DeletionAt != nil {
		t.Errorf("the project is %s and goes %v; want it as it was", got.Status, got.DeletionAt)
	}
}

func TestTheClocksFollowTheSetting(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(0, "")
	p := w.create(owner, "WEB", "")
	owner = w.later(owner, 20*days)
	if n := w.clocks(retention.ProjectPurge); n != 0 {
		t.Fatalf("without a setting %d clocks run", n)
	}
	goes := func() time.Time {
		w.T.Helper()
		got := w.project(owner, p).DeletionAt
		if got == nil {
			return time.Time{}
		}
		return *got
	}
	w.set(owner, 365, retention.LastActivity)
	if n := w.clocks(retention.ProjectPurge); n != 1 || !goes().IsZero() {
		t.Fatalf("%d clocks run and it goes %v; want one clock and nobody told", n, goes())
	}
	w.set(owner, 30, retention.LastActivity) // shorter: the time is nearly over
	first := goes()
	if want := w.Clock.Now().Add(retention.ExportOffer); !first.Equal(want) {
		t.Fatalf("it goes %v; want 14 days after the owner was told, %v", first, want)
	}
	w.set(owner, 60, retention.LastActivity) // longer
	if !goes().IsZero() {
		t.Fatalf("it still goes %v after the time was made longer", goes())
	}
	w.set(owner, 30, retention.LastActivity)
	owner = w.later(owner, 13*days)
	w.set(owner, 0, retention.LastActivity)
	owner = w.later(owner, 60*days)
	if n := w.clocks(retention.ProjectPurge); n != 0 || w.isGone(owner, p) || !goes().IsZero() {
		t.Fatalf("%d clocks run and it goes %v after the setting was taken back", n, goes())
	}
	w.set(owner, 30, retention.Archived)
	owner = w.later(owner, 60*days)
	if w.isGone(owner, p) {
		t.Fatal("a project went that was never archived")
	}
	w.Want(w.Call(projects.ArchiveProject(w.Store), owner, apitest.Request{Path: at(p, "/archive"), IfMatch: "*"}), http.StatusOK, "")
	owner = w.later(owner, 16*days)
	if goes().IsZero() {
		t.Fatal("16 days after its archiving nobody was told")
	}
	w.Want(w.Call(projects.RestoreProject(w.Store), owner, apitest.Request{Path: at(p, "/restore"), IfMatch: "*"}), http.StatusOK, "")
	owner = w.later(owner, 60*days)
	if w.isGone(owner, p) || w.clocks(retention.ProjectPurge) != 0 {
		t.Fatal("a project went that was taken back, or its clock still runs")
	}
	w.set(owner, 30, retention.Ended)
	w.Want(w.patch(owner, p, map[string]any{"ends_on": w.Clock.Now().AddDate(0, 0, 40).Format(time.DateOnly)}), http.StatusOK, "")
	owner = w.later(owner, 50*days)
	if !goes().IsZero() {
		t.Fatalf("it goes %v, earlier than 30 days after its last day", goes())
	}
	owner = w.later(owner, 10*days)
	if goes().IsZero() {
		t.Fatal("14 days before the end nobody was told")
	}
	owner = w.later(owner, 14*days)
	owner = w.later(owner, time.Hour)
	if !w.isGone(owner, p) || w.clocks(retention.ProjectPurge) != 0 || w.clocks(retention.ProjectSetting) != 0 {
		t.Error("it is still there, or a clock of it")
	}
}

func TestHoldsAndRestrictionsWin(t *testing.T) {
	tests := []struct {
		name  string
		whole bool // whether nothing goes at all
		on    func(w *keeping, c apitest.Caller, p projects.ProjectBody, m apitest.Caller, e timetracking.EntryBody, f files.FileBody) (store.Key, func(*dynamo.Update), func(*dynamo.Update))
	}{
		{"on the project", true, func(_ *keeping, c apitest.Caller, p projects.ProjectBody, _ apitest.Caller, _ timetracking.EntryBody, _ files.FileBody) (store.Key, func(*dynamo.Update), func(*dynamo.Update)) {
			return projects.Key(c.Org, id.Project(p.ID)), held, unheld
		}},
		{"on the organization", true, func(_ *keeping, c apitest.Caller, _ projects.ProjectBody, _ apitest.Caller, _ timetracking.EntryBody, _ files.FileBody) (store.Key, func(*dynamo.Update), func(*dynamo.Update)) {
			return access.OrganizationGateKey(c.Org), held, unheld
		}},
		{"on a file", false, func(_ *keeping, c apitest.Caller, _ projects.ProjectBody, _ apitest.Caller, _ timetracking.EntryBody, f files.FileBody) (store.Key, func(*dynamo.Update), func(*dynamo.Update)) {
			return files.Key(c.Org, id.File(f.ID)), held, unheld
		}},
		{"on a member", false, func(_ *keeping, c apitest.Caller, _ projects.ProjectBody, m apitest.Caller, _ timetracking.EntryBody, _ files.FileBody) (store.Key, func(*dynamo.Update), func(*dynamo.Update)) {
			return access.OrganizationGateKey(c.Org), func(u *dynamo.Update) { u.Set("held_members", []id.Member{m.Member}) }, func(u *dynamo.Update) { u.Remove("held_members") }
		}},
		{"of a restriction", false, func(_ *keeping, c apitest.Caller, _ projects.ProjectBody, m apitest.Caller, _ timetracking.EntryBody, _ files.FileBody) (store.Key, func(*dynamo.Update), func(*dynamo.Update)) {
			return access.OrganizationGateKey(c.Org), func(u *dynamo.Update) { u.Set("restricted_members", []id.Member{m.Member}) }, func(u *dynamo.Update) { u.Remove("restricted_members") }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newKeeping(t)
			owner := w.office(30, retention.LastActivity)
			member := w.Member(owner.Org, access.Contributor)
			p := w.create(owner, "WEB", "")
			others, kept, file := w.entry(owner, p), w.entry(member, p), w.file(member, p)
			key, place, lift := tt.on(w, owner, p, member, kept, file)
			w.mark(owner, key, place)
			owner = w.gone(owner, 30)
			owner = w.later(owner, 3*days)
			if got := w.hasEntry(owner, others); got != tt.whole {
				t.Errorf("an entry that nothing keeps is there: %v; want %v", got, tt.whole)
			}
			row, err := store.Get[files.File](context.Background(), w.handle(owner), files.Key(owner.Org, id.File(file.ID)))
			if err != nil || row.Object == "" || len(w.kept.Keys()) != 1 {
				t.Errorf("what is kept = %+v, %v, with objects %v; want the file", row, err, w.kept.Keys())
			}
			if _, err := store.Get[projects.Project](context.Background(), w.handle(owner), projects.Key(owner.Org, id.Project(p.ID))); err != nil {
				t.Errorf("the project of what is kept: %v", err)
			}
			w.mark(owner, key, lift)
			for range 3 {
				owner = w.later(owner, 15*days) // a project that was held whole is told of now
			}
			owner = w.later(owner, time.Hour)
			if !w.isGone(owner, p) || w.hasEntry(owner, kept) || len(w.kept.Keys()) != 0 || w.clocks(retention.ProjectPurge) != 0 {
				t.Error("after the hold was lifted something is left")
			}
		})
	}
}

func TestAKilledRunGoesOn(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(30, retention.LastActivity)
	p := w.create(owner, "WEB", "")
	var entries []timetracking.EntryBody
	for range 50 {
		w.Clock.Advance(time.Second)
		entries = append(entries, w.entry(owner, p))
	}
	file := w.file(owner, p)
	broken := errors.New("killed")
	whole := w.parts
	w.parts = []projects.Part{whole[0], func(context.Context, *projects.Outlived) (int, int, error) { return 0, 0, broken }}
	owner = w.later(owner, 16*days)
	owner = w.later(owner, 14*days)
	owner = w.Later(owner, projects.Wait)
	if err := w.try(); !errors.Is(err, broken) {
		t.Fatalf("a run that is killed = %v", err)
	}
	if !w.isGone(owner, p) || w.hasEntry(owner, entries[0]) {
		t.Error("the project or an entry is shown after its end began")
	}
	w.parts = whole
	owner = w.later(owner, 3*days) // late
	for _, e := range entries {
		if w.hasEntry(owner, e) {
			t.Fatal("an entry is left")
		}
	}
	if w.Call(files.GetFile(), owner, apitest.Request{Path: "/v1/files/" + file.ID}).Status != http.StatusNotFound || w.clocks(retention.ProjectPurge) != 0 {
		t.Error("the file or a clock is left")
	}
}

func TestAProjectThatIsBeingDeletedIsLeftToThat(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(30, retention.LastActivity)
	p := w.create(owner, "WEB", "")
	owner = w.later(owner, 16*days)
	owner = w.Later(owner, 14*days)
	w.Want(w.del(owner, p), http.StatusAccepted, "")
	w.sweep()
	w.Clock.Advance(projects.Wait)
	w.judge(0)
	w.Want(w.get(w.Later(owner, 0), p), http.StatusNotFound, "project_not_found")
	w.later(owner, 60*days)
	if n := w.clocks(retention.ProjectPurge); n != 0 {
		t.Errorf("%d clocks run; want none", n)
	}
}

func TestASettingIsPreviewed(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(0, "")
	old := w.create(owner, "OLD", "")
	w.Clock.Advance(time.Second)
	used := w.create(owner, "USED", "")
	w.create(w.Organization(), "FAR", "")
	start := w.Clock.Now()
	owner = w.Later(owner, 100*days)
	w.entry(owner, used)
	preview := func(query string) []projects.PreviewBody {
		t.Helper()
		var all []projects.PreviewBody
		for cursor := ""; ; {
			a := w.Call(projects.PreviewRetention(), owner, apitest.Request{Path: "/v1/org/retention/preview?limit=1&" + query + "&cursor=" + cursor})
			w.Want(a, http.StatusOK, "")
			var l api.List[projects.PreviewBody]
			a.Into(t, &l)
			all = append(all, l.Data...)
			if cursor = l.NextCursor; cursor == "" {
				return all
			}
		}
	}
	if got := preview(""); len(got) != 0 {
		t.Errorf("without a setting %v go; want none", got)
	}
	got := preview("retention_days=90")
	if len(got) != 2 || got[0].ProjectID != old.ID || !got[0].Over || !got[0].DeletionAt.Equal(w.Clock.Now().Add(retention.ExportOffer)) || got[0].Announced {
		t.Fatalf("a preview = %+v; want the old project gone in 14 days", got)
	}
	if got[1].ProjectID != used.ID || got[1].Over || got[1].DeletionAt.Before(start.Add(190*days-time.Second)) {
		t.Errorf("a preview = %+v; want the used project gone 90 days after its last hours", got[1])
	}
	if got := preview("retention_days=90&retention_event=archive"); len(got) != 0 {
		t.Errorf("counted from the archive %v go; want none", got)
	}
	if n := w.clocks(retention.ProjectPurge) + len(w.notices(owner)); n != 0 {
		t.Error("a preview changed something")
	}
	w.set(owner, 90, retention.LastActivity)
	if got := preview(""); len(got) != 2 || !got[0].Announced || got[1].Announced {
		t.Errorf("by the setting = %+v; want one that the owner was told of", got)
	}
	for _, query := range []string{"retention_days=29", "retention_days=3661", "retention_days=-2", "retention_event=never", "cursor=x", "limit=0"} {
		w.Want(w.Call(projects.PreviewRetention(), owner, apitest.Request{Path: "/v1/org/retention/preview?" + query}), http.StatusUnprocessableEntity, "invalid_input")
	}
	for role, status := range map[access.Role]int{access.Admin: 200, access.Manager: 403, access.Contributor: 403, access.Accountant: 403, access.Guest: 403} {
		w.Want(w.Call(projects.PreviewRetention(), w.Member(owner.Org, role), apitest.Request{}), status, "")
	}
}

func TestTheNotice(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(30, retention.LastActivity)
	w.create(owner, "WEB", "")
	w.create(owner, "APP", "")
	owner = w.later(owner, 16*days)
	h := w.Store.BindUser(owner.User, store.Actor{Who: "test"})
	mails, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 10})
	if err != nil || len(mails) != 1 {
		t.Fatalf("%d mails for two projects of one day, %v; want one", len(mails), err)
	}
	c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, From: "PixelTrack <no-reply@mail.example.com>", PublicURL: "https://app.example.com",
		People: func(context.Context, *store.User) (compose.Person, error) {
			return compose.Person{Address: "ada@example.com"}, nil
		}}
	m, err := projects.Templates()[0].Compose(context.Background(), c, mails[0])
	if err != nil || !strings.Contains(m.Text, "On 1 April 2026") || !strings.Contains(m.Text, "https://app.example.com/organization/retention") || strings.Contains(m.Text, "WEB") {
		t.Errorf("the notice = %q, %v", m.Text, err)
	}
	w.set(owner, 0, retention.LastActivity)
	if _, err := projects.Templates()[0].Compose(context.Background(), c, mails[0]); !errors.Is(err, compose.ErrGone) {
		t.Errorf("after the setting was taken back = %v; want it dropped", err)
	}
}
