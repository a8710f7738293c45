package files_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

type world struct {
	*apitest.World
	incoming, kept *blobtest.Bucket
}

func newWorld(t *testing.T) world {
	return world{apitest.New(t), &blobtest.Bucket{Overwrites: true}, new(blobtest.Bucket)}
}

func (w world) in(t *testing.T) world { return world{w.In(t), w.incoming, w.kept} }

const pdf = "%PDF-1.7 what somebody wants to keep"

func (w world) project(c apitest.Caller, key string) string {
	w.T.Helper()
	a := w.Call(projects.CreateProject(w.Store), c, apitest.Request{Body: map[string]any{"key": key, "name": key}})
	w.Want(a, http.StatusCreated, "")
	var b projects.ProjectBody
	a.Into(w.T, &b)
	return b.ID
}

func (w world) client(c apitest.Caller) string {
	w.T.Helper()
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": "EUR"}})
	w.Want(a, http.StatusCreated, "")
	var b clients.ClientBody
	a.Into(w.T, &b)
	return b.ID
}

// announce is the body of a request for an upload.
func announce(parent string, more map[string]any) map[string]any {
	sum := sha256.Sum256([]byte(pdf))
	body := map[string]any{"name": "Offer.pdf", "size": len(pdf), "media_type": "application/pdf", "sha256": hex.EncodeToString(sum[:]),
		"parent_type": "project", "parent_id": parent}
	if strings.HasPrefix(parent, "cli_") {
		body["parent_type"] = "client"
	}
	if strings.HasPrefix(parent, "tkt_") {
		body["parent_type"] = "ticket"
	}
	for k, v := range more {
		body[k] = v
	}
	return body
}

func (w world) create(c apitest.Caller, r apitest.Request) apitest.Answer {
	w.T.Helper()
	return w.Call(files.CreateFile(w.Store, w.incoming), c, r)
}

func (w world) asked(c apitest.Caller, parent string) files.FileBody {
	w.T.Helper()
	a := w.create(c, apitest.Request{Body: announce(parent, nil)})
	w.Want(a, http.StatusCreated, "")
	return read(w, a)
}

func read(w world, a apitest.Answer) files.FileBody {
	w.T.Helper()
	var b files.FileBody
	a.Into(w.T, &b)
	return b
}

func (w world) send(b files.FileBody) {
	w.T.Helper()
	if err := w.incoming.Send(b.Upload.URL, []byte(pdf)); err != nil {
		w.T.Fatal(err)
	}
}

func (w world) confirm(c apitest.Caller, b files.FileBody) apitest.Answer {
	return w.Call(files.ConfirmFile(w.Store, w.incoming, w.kept), c, apitest.Request{Path: "/v1/files/" + b.ID + "/confirm"})
}

// there makes a file that can be downloaded.
func (w world) there(c apitest.Caller, parent string) files.FileBody {
	w.T.Helper()
	b := w.asked(c, parent)
	w.send(b)
	a := w.confirm(c, b)
	w.Want(a, http.StatusOK, "")
	return read(w, a)
}

func (w world) get(c apitest.Caller, b files.FileBody) apitest.Answer {
	return w.Call(files.GetFile(), c, apitest.Request{Path: "/v1/files/" + b.ID})
}

func (w world) download(c apitest.Caller, b files.FileBody) apitest.Answer {
	return w.Call(files.DownloadFile(w.kept), c, apitest.Request{Path: "/v1/files/" + b.ID + "/download"})
}

func (w world) rename(c apitest.Caller, b files.FileBody, name, match string) apitest.Answer {
	return w.Call(files.UpdateFile(w.Store), c, apitest.Request{Path: "/v1/files/" + b.ID, IfMatch: match, Body: map[string]any{"name": name}})
}

func (w world) del(c apitest.Caller, b files.FileBody, match string) apitest.Answer {
	return w.Call(files.DeleteFile(w.Store, w.incoming, w.kept), c, apitest.Request{Path: "/v1/files/" + b.ID, IfMatch: match})
}

func (w world) list(c apitest.Caller, query string) api.Changes[files.FileBody] {
	w.T.Helper()
	a := w.Call(files.ListFiles(), c, apitest.Request{Path: "/v1/files?" + query})
	w.Want(a, http.StatusOK, "")
	var l api.Changes[files.FileBody]
	a.Into(w.T, &l)
	return l
}

func (w world) sweep() error {
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	return files.SweepUploads(w.incoming, w.kept).Do(context.Background(), []byte(payload), w.Store, telemetry.New(io.Discard, w.Clock.Now), w.Clock.Now, "run")
}

func (w world) mustSweep() {
	w.T.Helper()
	if err := w.sweep(); err != nil {
		w.T.Fatal(err)
	}
}

func (w world) clocks() int {
	w.T.Helper()
	n := 0
	for shard := range store.Shards {
		due, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{}), files.DueUpload, shard, w.Clock.Now().AddDate(1, 0, 0), 100)
		if err != nil {
			w.T.Fatal(err)
		}
		n += len(due)
	}
	return n
}

// empty fails the test unless both buckets are empty.
func (w world) empty(when string) {
	w.T.Helper()
	if all := append(w.incoming.Keys(), w.kept.Keys()...); len(all) > 0 {
		w.T.Errorf("%s: the buckets hold %q; want nothing", when, all)
	}
}

// change sets attributes of a row past the routes.
func (w world) change(c apitest.Caller, key store.Key, set func(*dynamo.Update)) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Change(w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}), key, set)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

func (w world) plan(c apitest.Caller, plan string) {
	w.change(c, access.OrganizationGateKey(c.Org), func(u *dynamo.Update) { u.Set("plan", plan) })
}

func TestAFileIsTakenInAndGivenOut(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	for _, parent := range []string{w.project(owner, "WEB"), w.client(owner)} {
		a := w.create(owner, apitest.Request{Body: announce(parent, map[string]any{"name": `C:\Temp\ Größe "1".pdf `, "media_type": "Application/PDF"})})
		w.Want(a, http.StatusCreated, "")
		b := read(w, a)
		if b.Name != `Größe "1".pdf` || b.State != files.PendingUpload || b.Scan != "" || b.MediaType != "application/pdf" || b.ParentID != parent || b.UploadedBy != string(owner.Member) {
			t.Errorf("the file = %+v", b)
		}
		if !b.Upload.ExpiresAt.Equal(w.Clock.Now().Add(15*time.Minute).Truncate(time.Second)) || b.Upload.Method != "PUT" {
			t.Errorf("the upload = %+v; want 15 minutes", b.Upload)
		}
		w.Want(w.confirm(owner, b), http.StatusConflict, "upload_missing")
		w.Want(w.download(owner, b), http.StatusConflict, "file_not_uploaded")
		w.send(b)
		key := "ORG/" + string(owner.Org) + "/" + b.ID
		if got := w.incoming.Keys(); !slices.Contains(got, key) {
			t.Errorf("it was uploaded to %q; want a key that starts with the organization", got)
		}
		a = w.confirm(owner, b)
		w.Want(a, http.StatusOK, "")
		if now := read(w, a); now.State != files.Available || now.Scan != files.Unscanned || now.Upload != nil {
			t.Errorf("the confirmed file = %+v", now)
		}
		if all := w.incoming.All(); strings.Contains(all, pdf) {
			t.Error("the incoming bucket still has the bytes")
		}
		if err := w.incoming.Send(b.Upload.URL, []byte(pdf)); !errors.Is(err, blobtest.ErrRefused) {
			t.Errorf("the same upload after the confirmation = %v; want it refused", err)
		}
		a = w.confirm(owner, b)
		w.Want(a, http.StatusOK, "")
		if tag := w.get(owner, b).Header.Get("ETag"); tag != a.Header.Get("ETag") || tag == "" {
			t.Errorf("a second confirmation made another version: %s, now %s", a.Header.Get("ETag"), tag)
		}
		a = w.download(w.Member(owner.Org, access.Accountant), b)
		w.Want(a, http.StatusOK, "")
		var link files.LinkBody
		a.Into(t, &link)
		if got, err := w.kept.Fetch(link.URL); string(got) != pdf || err != nil || !link.ExpiresAt.Equal(w.Clock.Now().Add(5*time.Minute).Truncate(time.Second)) {
			t.Errorf("the download = %q, %v until %v", got, err, link.ExpiresAt)
		}
	}
	owner = w.Later(owner, 15*time.Minute+files.Wait)
	w.mustSweep()
	if got := w.incoming.Keys(); len(got) != 0 || w.clocks() != 0 || len(w.kept.Keys()) != 2 {
		t.Errorf("after the links have ended: incoming %q, files %q, %d clocks; want both files and nothing else", got, w.kept.Keys(), w.clocks())
	}
}

func TestInputIsRefused(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.Organization(), w.Organization()
	project, foreign, client := w.project(owner, "WEB"), w.project(stranger, "WEB"), w.client(owner)
	old, asleep := w.project(owner, "OLD"), w.client(owner)
	w.Want(w.Call(projects.ArchiveProject(w.Store), owner, apitest.Request{Path: "/v1/projects/" + old + "/archive", IfMatch: "*"}), http.StatusOK, "")
	w.Want(w.Call(clients.ArchiveClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + asleep + "/archive", IfMatch: "*"}), http.StatusOK, "")
	shut := w.project(owner, "SHUT")
	w.Want(w.Call(projects.DeleteProject(w.Store), owner, apitest.Request{Path: "/v1/projects/" + shut, IfMatch: "*"}), http.StatusAccepted, "")
	const none = "01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	tests := []struct {
		name   string
		parent string
		more   map[string]any
		status int
		code   string
	}{
		{"no bytes", project, map[string]any{"size": 0}, 422, "invalid_input"},
		{"more than one upload takes", project, map[string]any{"size": 5<<30 + 1}, 422, "invalid_input"},
		{"a checksum that is none", project, map[string]any{"sha256": strings.Repeat("z", 64)}, 422, "invalid_input"},
		{"a name of nothing", project, map[string]any{"name": " .\u0085. "}, 422, "invalid_input"},
		{"a path to nothing", project, map[string]any{"name": "a/.."}, 422, "invalid_input"},
		{"a media type that is none", project, map[string]any{"media_type": "pdf"}, 422, "invalid_input"},
		{"a media type with parameters", project, map[string]any{"media_type": "text/html; charset=x"}, 422, "invalid_input"},
		{"an unknown kind of parent", project, map[string]any{"parent_type": "invoice"}, 422, "invalid_input"},
		{"a parent of another kind", client, map[string]any{"parent_type": "project"}, 404, "project_not_found"},
		{"no such project", "prj_" + none, nil, 404, "project_not_found"},
		{"no such client", "cli_" + none, nil, 404, "client_not_found"},
		{"another organization's project", foreign, nil, 404, "project_not_found"},
		{"an archived project", old, nil, 409, "project_archived"},
		{"a closing project", shut, nil, 409, "project_closing"},
		{"an archived client", asleep, nil, 409, "client_archived"},
		{"too much for the plan", project, map[string]any{"size": 25<<20 + 1}, 402, "file_too_large"},
		{"too much for the plan on nothing", "prj_" + none, map[string]any{"size": 25<<20 + 1}, 402, "file_too_large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.in(t)
			w.Want(w.create(owner, apitest.Request{Body: announce(tt.parent, tt.more)}), tt.status, tt.code)
		})
	}
	if n := w.clocks(); n != 0 {
		t.Errorf("the refusals left %d clocks", n)
	}
}

func TestPlansLimitTheSize(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	for plan, limit := range map[string]int64{"free": 25 << 20, "pro": 250 << 20, "agency": 1 << 30, "unknown": 25 << 20} {
		w.plan(owner, plan)
		w.Want(w.create(owner, apitest.Request{Body: announce(project, map[string]any{"size": limit})}), http.StatusCreated, "")
		a := w.create(owner, apitest.Request{Body: announce(project, map[string]any{"size": limit + 1})})
		w.Want(a, http.StatusPaymentRequired, "file_too_large")
		var p struct{ Details struct{ Limit int64 } }
		a.Into(t, &p)
		if p.Details.Limit != limit {
			t.Errorf("on %s the refusal names %d; want %d", plan, p.Details.Limit, limit)
		}
	}
}

func TestAReplayShowsNoLink(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	r := apitest.Request{Key: "k", Body: announce(w.project(owner, "WEB"), nil)}
	first := w.create(owner, r)
	w.Want(first, http.StatusCreated, "")
	b := read(w, first)
	again := w.create(owner, r)
	w.Want(again, http.StatusCreated, "")
	if got := read(w, again); got.ID != b.ID || got.Upload != nil || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the replay = %s %+v; want the same file without a link", again.Header, got)
	}
	w.send(b)
	w.Want(w.confirm(owner, b), http.StatusOK, "")
	if got := read(w, w.create(owner, r)); got.State != files.Available {
		t.Errorf("the replay after the confirmation = %+v; want the file as it is", got)
	}
	w.Want(w.del(owner, b, "*"), http.StatusNoContent, "")
	w.Want(w.create(owner, r), http.StatusNotFound, "replayed_object_gone")
}

func TestWhatContradictsItsTypeStaysPending(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	html := "<html><script>alert(1)</script>"
	sum := sha256.Sum256([]byte(html))
	a := w.create(owner, apitest.Request{Body: announce(w.project(owner, "WEB"), map[string]any{"media_type": "image/png", "size": len(html), "sha256": hex.EncodeToString(sum[:])})})
	w.Want(a, http.StatusCreated, "")
	b := read(w, a)
	if err := w.incoming.Send(b.Upload.URL, []byte(html)); err != nil {
		t.Fatal(err)
	}
	w.Want(w.confirm(owner, b), http.StatusUnprocessableEntity, "media_type_mismatch")
	if got := read(w, w.get(owner, b)); got.State != files.PendingUpload {
		t.Errorf("the file = %+v; want it pending", got)
	}
	if got := w.kept.Keys(); len(got) != 0 {
		t.Errorf("the files bucket holds %q", got)
	}
}

func TestWhatWasNotAnnouncedIsNotTaken(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.asked(owner, w.project(owner, "WEB"))
	key := "ORG/" + string(owner.Org) + "/" + b.ID
	for name, content := range map[string]string{"a byte more": pdf + "x", "other bytes": strings.ToUpper(pdf)} {
		w.incoming.Arrive(key, []byte(content))
		w.Want(w.confirm(owner, b), http.StatusConflict, "upload_mismatch")
		if got := w.kept.Keys(); len(got) != 0 {
			t.Errorf("%s: the files bucket holds %q", name, got)
		}
	}
	if err := w.incoming.Put(context.Background(), key, "application/pdf", strings.NewReader(pdf)); err != nil {
		t.Fatal(err)
	}
	w.Want(w.confirm(owner, b), http.StatusConflict, "upload_mismatch") // it came without a checksum
}

func TestAConfirmationTakesWhatItChecked(t *testing.T) {
	for _, call := range []string{"Head", "Copy"} {
		t.Run(call, func(t *testing.T) {
			w := newWorld(t)
			owner := w.Organization()
			b := w.asked(owner, w.project(owner, "WEB"))
			w.send(b)
			bucket := w.incoming
			if call == "Copy" {
				bucket = w.kept
			}
			bucket.Before(func(now string) {
				if now == call {
					w.incoming.Arrive("ORG/"+string(owner.Org)+"/"+b.ID, []byte("<script>in between</script>"))
				}
			})
			w.Want(w.confirm(owner, b), http.StatusConflict, "upload_mismatch")
			bucket.Before(nil)
			if all := w.kept.All(); all != "" {
				t.Errorf("the files bucket holds %q", all)
			}
			if got := read(w, w.get(owner, b)); got.State != files.PendingUpload {
				t.Errorf("the file = %+v; want it pending", got)
			}
		})
	}
}

func TestManyConfirmAtOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.asked(owner, w.project(owner, "WEB"))
	w.send(b)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { w.Want(w.confirm(owner, b), http.StatusOK, "") })
	}
	wg.Wait()
	a := w.get(owner, b)
	if got := read(w, a); got.State != files.Available || a.Header.Get("ETag") != `"2"` {
		t.Errorf("the file = %+v %s; want it confirmed once", got, a.Header.Get("ETag"))
	}
	if n := w.clocks(); n != 1 {
		t.Errorf("%d clocks; want 1", n)
	}
}

// TestADeletionMeetsAConfirmation deletes a file at every step of its confirmation; in the end nothing is left of it.
func TestADeletionMeetsAConfirmation(t *testing.T) {
	for _, at := range []string{"Stat", "Head", "Copy", "Put"} {
		t.Run(at, func(t *testing.T) {
			w := newWorld(t)
			owner := w.Organization()
			b := w.asked(owner, w.project(owner, "WEB"))
			w.send(b)
			deletion := sync.OnceFunc(func() { w.Want(w.del(owner, b, "*"), http.StatusNoContent, "") })
			meet := func(call string) {
				if call == at {
					deletion()
				}
			}
			w.incoming.Before(meet)
			w.kept.Before(meet)
			a := w.confirm(owner, b)
			if at == "Put" { // the row said so before
				w.Want(a, http.StatusOK, "")
			} else {
				w.Want(a, http.StatusNotFound, "file_not_found")
			}
			w.Want(w.get(owner, b), http.StatusNotFound, "file_not_found")
			w.Clock.Advance(files.GrantLife + files.Wait)
			w.mustSweep()
			w.empty("after the sweep")
			if n := w.clocks(); n != 0 {
				t.Errorf("%d clocks are left", n)
			}
		})
	}
}

func TestARenamingMeetsAConfirmation(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.asked(owner, w.project(owner, "WEB"))
	w.send(b)
	w.kept.Before(func(string) { w.Want(w.rename(owner, b, "Newer.pdf", "*"), http.StatusOK, "") })
	a := w.confirm(owner, b)
	w.Want(a, http.StatusOK, "")
	if got := read(w, a); got.Name != "Newer.pdf" || got.State != files.Available {
		t.Errorf("the file = %+v; want both", got)
	}
}

func TestAFileIsRenamed(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.there(owner, w.project(owner, "WEB"))
	tag := w.get(owner, b).Header.Get("ETag")
	a := w.rename(owner, b, "../Newer offer.pdf", tag)
	w.Want(a, http.StatusOK, "")
	if got := read(w, a); got.Name != "Newer offer.pdf" {
		t.Errorf("the name = %q", got.Name)
	}
	w.Want(w.rename(owner, b, "Other.pdf", tag), http.StatusPreconditionFailed, "stale_version")
	w.Want(w.rename(owner, b, "Other.pdf", ""), http.StatusPreconditionRequired, "if_match_required")
	w.Want(w.rename(owner, b, "..", "*"), http.StatusUnprocessableEntity, "invalid_input")
	a = w.Call(files.UpdateFile(w.Store), owner, apitest.Request{Path: "/v1/files/" + b.ID, IfMatch: "*", Body: map[string]any{}})
	w.Want(a, http.StatusOK, "")
	if got := read(w, a); got.Name != "Newer offer.pdf" {
		t.Errorf("after a change of nothing the name = %q", got.Name)
	}
}

func TestADeletionLeavesNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	b := w.there(owner, project)
	tag := w.get(owner, b).Header.Get("ETag")
	w.Want(w.rename(owner, b, "Newer.pdf", tag), http.StatusOK, "")
	w.Want(w.del(owner, b, tag), http.StatusPreconditionFailed, "stale_version")
	w.Want(w.del(owner, b, ""), http.StatusPreconditionRequired, "if_match_required")
	since := w.Clock.Now()
	w.Want(w.del(owner, b, "*"), http.StatusNoContent, "")
	w.empty("at once")
	for _, a := range []apitest.Answer{w.get(owner, b), w.download(owner, b), w.confirm(owner, b), w.rename(owner, b, "x", "*"), w.del(owner, b, "*")} {
		w.Want(a, http.StatusNotFound, "file_not_found")
	}
	l := w.list(owner, "parent_type=project&parent_id="+project+"&updated_since="+since.Format(time.RFC3339))
	if len(l.Data) != 0 || len(l.Deleted) != 1 || l.Deleted[0].ID != b.ID {
		t.Errorf("the changes = %+v; want one deletion", l)
	}
	if err := w.incoming.Send(b.ID, []byte(pdf)); err == nil {
		t.Error("an upload without a link was let in")
	}
	w.Clock.Advance(files.GrantLife + files.Wait)
	w.mustSweep()
	if w.empty("after the sweep"); w.clocks() != 0 {
		t.Errorf("%d clocks are left", w.clocks())
	}
}

// TestADeletionIsNeverLost deletes while the buckets fail; the sweep goes on until they do not.
func TestADeletionIsNeverLost(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.there(owner, w.project(owner, "WEB"))
	late := w.asked(owner, w.project(owner, "NEW"))
	broken := errors.New("the bucket is down")
	w.kept.Fail(broken)
	w.incoming.Fail(broken)
	w.Want(w.del(owner, b, "*"), http.StatusNoContent, "")
	w.Want(w.del(owner, late, "*"), http.StatusNoContent, "")
	w.kept.Fail(nil)
	w.incoming.Fail(nil)
	if len(w.kept.Keys()) == 0 {
		t.Fatal("the failure did not happen")
	}
	if err := w.incoming.Send(late.Upload.URL, []byte(pdf)); err != nil { // its link still counts
		t.Fatal(err)
	}
	w.mustSweep() // which is not its time yet
	w.Clock.Advance(files.GrantLife + files.Wait)
	w.kept.Fail(broken)
	if err := w.sweep(); !errors.Is(err, broken) {
		t.Errorf("a sweep that cannot = %v; want its failure", err)
	}
	w.kept.Fail(nil)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := w.sweep(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if w.empty("after the sweep"); w.clocks() != 0 {
		t.Errorf("%d clocks are left", w.clocks())
	}
}

func TestAnUploadThatNobodyConfirmsGoesAfterADay(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project, client := w.project(owner, "WEB"), w.client(owner)
	there := w.there(owner, project)
	var asked []files.FileBody
	for _, parent := range []string{project, client} {
		b := w.asked(owner, parent)
		w.send(b)
		asked = append(asked, b)
	}
	owner = w.Later(owner, files.UploadLife-time.Second)
	w.mustSweep()
	for _, b := range asked {
		w.Want(w.get(owner, b), http.StatusOK, "")
	}
	owner = w.Later(owner, time.Second)
	for _, b := range asked { // however late the sweep is
		for _, a := range []apitest.Answer{w.get(owner, b), w.confirm(owner, b), w.download(owner, b), w.rename(owner, b, "x", "*"), w.del(owner, b, "*")} {
			w.Want(a, http.StatusNotFound, "file_not_found")
		}
	}
	if l := w.list(owner, ""); len(l.Data) != 1 || l.Data[0].ID != there.ID {
		t.Errorf("the list = %+v; want the file that was confirmed", l.Data)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := w.sweep(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.incoming.Keys(); len(got) != 0 {
		t.Errorf("the incoming bucket holds %q", got)
	}
	w.Want(w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + client, IfMatch: "*"}), http.StatusNoContent, "")
	w.Clock.Advance(files.Wait)
	w.mustSweep()
	if w.clocks() != 0 || len(w.kept.Keys()) != 1 {
		t.Errorf("%d clocks, files %q; want the file that was confirmed and no clock", w.clocks(), w.kept.Keys())
	}
	w.Want(w.download(w.Later(owner, 0), there), http.StatusOK, "")
}

// TestAConfirmationComesTooLate lets the time of an upload end while its confirmation is under way, and no sweep comes.
func TestAConfirmationComesTooLate(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.asked(owner, w.project(owner, "WEB"))
	w.send(b)
	owner = w.Later(owner, files.UploadLife-time.Second)
	w.kept.Before(func(call string) { w.Clock.Advance(time.Second) })
	w.Want(w.confirm(owner, b), http.StatusNotFound, "file_not_found")
	w.kept.Before(nil)
	w.mustSweep()
	w.Clock.Advance(files.Wait)
	w.mustSweep()
	if w.empty("in the end"); w.clocks() != 0 {
		t.Errorf("%d clocks are left", w.clocks())
	}
}

// TestAnAbandonedUploadMeetsItsConfirmation sweeps while a confirmation is under way: one of them wins, whole.
func TestAnAbandonedUploadMeetsItsConfirmation(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.asked(owner, w.project(owner, "WEB"))
	w.send(b)
	owner = w.Later(owner, files.UploadLife-time.Second)
	w.kept.Before(func(call string) {
		if call == "Copy" {
			w.Clock.Advance(time.Second)
			w.mustSweep()
		}
	})
	w.Want(w.confirm(owner, b), http.StatusNotFound, "file_not_found")
	w.kept.Before(nil)
	w.Clock.Advance(files.Wait)
	w.mustSweep()
	if w.empty("in the end"); w.clocks() != 0 {
		t.Errorf("%d clocks are left", w.clocks())
	}
}

func TestAHeldUploadStays(t *testing.T) {
	for _, mark := range []string{"held", "restricted"} {
		t.Run(mark, func(t *testing.T) {
			w := newWorld(t)
			owner := w.Organization()
			b := w.asked(owner, w.project(owner, "WEB"))
			w.change(owner, files.Key(owner.Org, id.File(b.ID)), func(u *dynamo.Update) { u.Set(mark, true) })
			w.Clock.Advance(files.UploadLife)
			w.mustSweep()
			w.change(owner, files.Key(owner.Org, id.File(b.ID)), func(u *dynamo.Update) { u.Remove(mark) })
			owner = w.Later(owner, 0)
			w.Want(w.get(owner, b), http.StatusOK, "")
			w.Clock.Advance(24 * time.Hour)
			w.mustSweep()
			w.Want(w.get(w.Later(owner, 0), b), http.StatusNotFound, "file_not_found")
		})
	}
}

func TestAnotherOrganizationsFileLooksMissing(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.Organization(), w.Organization()
	b := w.there(owner, w.project(owner, "WEB"))
	for name, a := range map[string]apitest.Answer{
		"get": w.get(stranger, b), "confirm": w.confirm(stranger, b), "download": w.download(stranger, b),
		"rename": w.rename(stranger, b, "x", "*"), "delete": w.del(stranger, b, "*"),
	} {
		if a.Status != http.StatusNotFound || a.Code() != "file_not_found" {
			t.Errorf("%s = %d %s; want 404 file_not_found", name, a.Status, a.Code())
		}
	}
	if l := w.list(stranger, ""); len(l.Data) != 0 {
		t.Errorf("a stranger's list = %+v", l)
	}
	if l := w.list(stranger, "parent_type=project&parent_id="+b.ParentID); len(l.Data) != 0 {
		t.Errorf("a stranger's list of the project = %+v", l)
	}
	for _, text := range []string{"fil_x", "x", b.ParentID} {
		w.Want(w.Call(files.GetFile(), owner, apitest.Request{Path: "/v1/files/" + text}), http.StatusNotFound, "file_not_found")
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	tests := []struct {
		role                  access.Role
		read, write, own, all bool
	}{
		{access.Admin, true, true, true, true},
		{access.Manager, true, true, true, true},
		{access.Contributor, true, true, true, false},
		{access.Accountant, true, false, false, false},
		{access.Guest, false, false, false, false},
	}
	for _, tt := range tests {
		t.Run(string(tt.role), func(t *testing.T) {
			w := w.in(t)
			c := w.Member(owner.Org, tt.role)
			others := w.there(owner, project)
			may := func(name string, a apitest.Answer, ok bool) {
				t.Helper()
				if refused := a.Status == http.StatusForbidden; refused == ok {
					t.Errorf("%s = %d %s; want it allowed: %v", name, a.Status, a.Code(), ok)
				}
			}
			may("get", w.get(c, others), tt.read)
			may("list", w.Call(files.ListFiles(), c, apitest.Request{}), tt.read)
			may("download", w.download(c, others), tt.read)
			may("rename", w.rename(c, others, "x.pdf", "*"), tt.write)
			may("confirm", w.confirm(c, others), tt.write)
			a := w.create(c, apitest.Request{Body: announce(project, nil)})
			may("create", a, tt.write)
			if tt.write {
				may("delete one's own", w.del(c, read(w, a), "*"), tt.own)
			}
			may("delete another's", w.del(c, others, "*"), tt.all)
		})
	}
}

func TestTheScanIsAGate(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.there(owner, w.project(owner, "WEB"))
	for _, tt := range []struct {
		scan   files.Scan
		status int
		code   string
	}{
		{files.Unscanned, 200, ""}, {files.Clean, 200, ""}, {files.ScanPending, 409, "file_not_scanned"}, {files.Infected, 409, "file_infected"}, {"new", 409, "file_infected"},
	} {
		w.change(owner, files.Key(owner.Org, id.File(b.ID)), func(u *dynamo.Update) { u.Set("scan", tt.scan) })
		w.Want(w.download(owner, b), tt.status, tt.code)
	}
}

func TestLists(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	web, client := w.project(owner, "WEB"), w.client(owner)
	var all []files.FileBody
	for i, parent := range []string{web, web, client, web} {
		owner = w.Later(owner, time.Second)
		all = append(all, w.asked(owner, parent))
		if all[i].ParentID != parent {
			t.Fatalf("the file = %+v", all[i])
		}
	}
	since := w.Clock.Now()
	owner = w.Later(owner, time.Second)
	w.Want(w.rename(owner, all[1], "Newer.pdf", "*"), http.StatusOK, "")
	owner = w.Later(owner, time.Second)
	w.Want(w.del(owner, all[3], "*"), http.StatusNoContent, "")
	of := "parent_type=project&parent_id=" + web
	tests := []struct {
		name, query string
		want        []int
		deleted     int
	}{
		{"all, newest first", "", []int{2, 1, 0}, 0},
		{"of a project, last changed first", of, []int{1, 0}, 0},
		{"of a client", "parent_type=client&parent_id=" + client, []int{2}, 0},
		{"what has changed", of + "&updated_since=" + since.Add(time.Second).Format(time.RFC3339), []int{1}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.in(t)
			var got []int
			deleted := 0
			for cursor := ""; ; {
				l := w.list(owner, tt.query+"&limit=1&cursor="+cursor)
				for _, b := range l.Data {
					got = append(got, slices.IndexFunc(all, func(a files.FileBody) bool { return a.ID == b.ID }))
				}
				deleted += len(l.Deleted)
				if cursor = l.NextCursor; cursor == "" {
					break
				}
			}
			if !slices.Equal(got, tt.want) || deleted != tt.deleted {
				t.Errorf("the list = %v and %d deletions; want %v and %d", got, deleted, tt.want, tt.deleted)
			}
		})
	}
	for _, query := range []string{"parent_type=project", "parent_id=" + web, "parent_type=project&parent_id=" + client, "parent_type=task&parent_id=x",
		"updated_since=" + since.Format(time.RFC3339), "cursor=x"} {
		w.Want(w.Call(files.ListFiles(), owner, apitest.Request{Path: "/v1/files?" + query}), http.StatusUnprocessableEntity, "invalid_input")
	}
	old := of + "&updated_since=" + w.Clock.Now().AddDate(0, 0, -31).Format(time.RFC3339)
	w.Want(w.Call(files.ListFiles(), owner, apitest.Request{Path: "/v1/files?" + old}), http.StatusGone, "resync_required")
}

// TestWhatFilesHangOnStays tries to delete the parents of a file, and a file's parent while it comes.
func TestWhatFilesHangOnStays(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project, client := w.project(owner, "WEB"), w.client(owner)
	delProject := func() apitest.Answer {
		return w.Call(projects.DeleteProject(w.Store), owner, apitest.Request{Path: "/v1/projects/" + project, IfMatch: "*"})
	}
	delClient := func() apitest.Answer {
		return w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + client, IfMatch: "*"})
	}
	a, b := w.asked(owner, project), w.there(owner, client)
	w.Want(delProject(), http.StatusConflict, "project_in_use")
	in := delClient()
	w.Want(in, http.StatusConflict, "client_in_use")
	var p struct{ Details struct{ Files, Projects int } }
	if in.Into(t, &p); p.Details.Files != 1 || p.Details.Projects != 0 {
		t.Errorf("the refusal names %+v; want one file", p.Details)
	}
	w.Want(w.del(owner, a, "*"), http.StatusNoContent, "")
	w.Want(w.del(owner, b, "*"), http.StatusNoContent, "")
	w.Want(delClient(), http.StatusNoContent, "")
	w.Want(w.create(owner, apitest.Request{Body: announce(client, nil)}), http.StatusNotFound, "client_not_found")
	w.Want(delProject(), http.StatusAccepted, "")

	// A writer that saw the project open before it closed: the judgement a minute later finds its file.
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	projects.Book(tx, org, id.Project(project), projects.Number(id.File(a.ID)))
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(projects.Wait)
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	if err := projects.CloseProjects().Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run"); err != nil {
		t.Fatal(err)
	}
	w.Want(w.Call(projects.GetProject(), w.Later(owner, 0), apitest.Request{Path: "/v1/projects/" + project}), http.StatusOK, "")
}

// TestAClientIsDeletedWhileAFileComes lets both happen at once, often: never is there a file without its client.
func TestAClientIsDeletedWhileAFileComes(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	for range 8 {
		client := w.client(owner)
		var gone, came apitest.Answer
		var wg sync.WaitGroup
		wg.Go(func() {
			gone = w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + client, IfMatch: "*"})
		})
		wg.Go(func() { came = w.create(owner, apitest.Request{Body: announce(client, nil)}) })
		wg.Wait()
		if (gone.Status == http.StatusNoContent) == (came.Status == http.StatusCreated) {
			t.Errorf("the deletion = %d %s, the file = %d %s; want one of them", gone.Status, gone.Code(), came.Status, came.Code())
		}
	}
}
