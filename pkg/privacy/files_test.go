package privacy_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// upload makes a file of a project, confirmed or not.
func (w *world) upload(c apitest.Caller, project, name, content string, confirmed bool) files.FileBody {
	w.T.Helper()
	sum := sha256.Sum256([]byte(content))
	a := w.Call(files.CreateFile(w.Store, w.incoming), c, apitest.Request{Body: map[string]any{"name": name, "size": len(content), "media_type": "text/plain",
		"sha256": hex.EncodeToString(sum[:]), "parent_type": "project", "parent_id": project}})
	w.Want(a, http.StatusCreated, "")
	var b files.FileBody
	a.Into(w.T, &b)
	w.must(w.incoming.Send(b.Upload.URL, []byte(content)))
	if confirmed {
		w.Want(w.Call(files.ConfirmFile(w.Store, w.incoming, w.files), c, apitest.Request{Path: "/v1/files/" + b.ID + "/confirm"}), http.StatusOK, "")
	}
	return b
}

func (w *world) project(c apitest.Caller) string {
	w.T.Helper()
	a := w.Call(projects.CreateProject(w.Store), c, apitest.Request{Body: map[string]any{"key": "WEB", "name": "Site"}})
	w.Want(a, http.StatusCreated, "")
	var b projects.ProjectBody
	a.Into(w.T, &b)
	return b.ID
}

// packageOf builds the package of an organisation or user and gives everything in it.
func (w *world) packageOf(h interface {
	store.Bound
	Scope() store.Scope
}, e id.Export) string {
	w.T.Helper()
	w.must(w.event(privacy.BuildExport(w.packages, w.stored(), w.links, w.pseudonyms, w.seals, w.m), privacy.EventExportRequested, privacy.PackageKey(h.Scope(), e)))
	for _, key := range w.packages.Keys() {
		if strings.Contains(key, string(e)) {
			archive, err := w.packages.Fetch("https://bucket.example.com/" + key + "?")
			w.must(err)
			text, err := journey.CheckPackage(archive)
			w.must(err)
			return text
		}
	}
	w.T.Fatal("no package was made")
	return ""
}

func TestPackagesHoldFiles(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	bob := w.somebody(w.Member(ada.Org, access.Contributor), "Bob")
	stranger := w.somebody(w.Organization(), "Cy")
	project := w.project(ada.Caller)
	w.upload(ada.Caller, project, `Offer: "final"?.txt`, "what Ada wrote", true)
	w.upload(ada.Caller, project, "Pending.txt", "what Ada has not confirmed", false)
	w.upload(bob.Caller, project, "Notes.txt", "what Bob wrote", true)
	gone := w.upload(bob.Caller, project, "Gone.txt", "what went meanwhile", true)
	if _, err := w.files.Remove(context.Background(), "ORG/"+string(ada.Org)+"/"+gone.ID); err != nil {
		t.Fatal(err)
	}
	w.upload(stranger.Caller, w.project(stranger.Caller), "Secret.txt", "what Cy wrote", true)

	org := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	user := w.Store.BindUser(bob.User, store.Actor{Who: "test"})
	tests := []struct {
		name      string
		text      func() string
		want, not []string
	}{
		{"of the organization", func() string {
			tx := w.Store.Begin()
			e := privacy.AskForPackage(tx, org, "", "")
			w.must(tx.Commit(context.Background()))
			return w.packageOf(org, e)
		}, []string{"what Ada wrote", "what Bob wrote", "/Offer_ _final__.txt", "/Notes.txt", "Pending.txt", "Gone.txt"},
			[]string{"what Ada has not confirmed", "what went meanwhile", "what Cy wrote", "Secret.txt"}},
		{"of a member", func() string {
			tx := w.Store.Begin()
			e := privacy.AskForPackage(tx, user, "access", "")
			w.must(tx.Commit(context.Background()))
			return w.packageOf(user, e)
		}, []string{"what Bob wrote", "/Notes.txt", "Gone.txt"}, []string{"what Ada wrote", "Offer", "what Cy wrote"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.text()
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("the package does not hold %q", want)
				}
			}
			for _, not := range append(tt.not, "ORG/"+string(ada.Org)) {
				if strings.Contains(text, not) {
					t.Errorf("the package holds %q", not)
				}
			}
		})
	}
}

// Lambda tries again at once what failed: the claim of the attempt before must not stand in its way.
func TestABuildThatFailedIsMadeByTheNextAttempt(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	w.upload(ada.Caller, w.project(ada.Caller), "Kept.txt", "kept", true)
	org := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	e := privacy.AskForPackage(tx, org, "", "")
	w.must(tx.Commit(context.Background()))
	broken := errors.New("broken")
	for _, b := range []*blobtest.Bucket{w.packages, w.files} {
		b.Fail(broken)
		if err := w.event(privacy.BuildExport(w.packages, w.stored(), w.links, w.pseudonyms, w.seals, w.m), privacy.EventExportRequested, privacy.PackageKey(org.Scope(), e)); !errors.Is(err, broken) {
			t.Errorf("the build = %v; want the bucket's failure", err)
		}
		b.Fail(nil)
	}
	if text := w.packageOf(org, e); !strings.Contains(text, "kept") {
		t.Error("the package does not hold the file")
	}
}

func TestAnErasureEmptiesTheBuckets(t *testing.T) {
	w := newWorld(t)
	ada, other := w.somebody(w.Organization(), "Ada"), w.somebody(w.Organization(), "Cy")
	for _, who := range []somebody{ada, other} {
		project := w.project(who.Caller)
		w.upload(who.Caller, project, "Kept.txt", "kept", true)
		w.upload(who.Caller, project, "Pending.txt", "pending", false)
	}
	ctx := context.Background()
	org := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	gate, err := store.Get[access.OrganizationGate](ctx, org, access.OrganizationGateKey(ada.Org))
	w.must(err)
	due := w.Clock.Now().Add(retention.Organization)
	gate.Status, gate.DueAt = access.Closed, due.Unix()
	tx := w.Store.Begin()
	tx.Replace(org, gate)
	tx.ArmWake(org, retention.OrganizationDue(ada.Org, due))
	w.must(tx.Commit(ctx))
	w.Clock.Set(due)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	left := strings.Join(append(w.incoming.Keys(), w.files.Keys()...), " ")
	if strings.Contains(left, string(ada.Org)) || strings.Count(left, string(other.Org)) != 3 {
		t.Errorf("the buckets hold %s; want what the other organization has", left)
	}
	w.must(w.run(files.SweepUploads(w.incoming, w.files)))
	if text := w.dump(); strings.Contains(text, string(ada.Org)) {
		t.Errorf("the organisation is still there:\n%s", lines(text, string(ada.Org)))
	}
}
