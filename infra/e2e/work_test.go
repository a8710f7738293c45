package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/privacy/retention"
)

// TestArchivingMeetsAChange lets a change come between what archiving and restoring read and what they write.
func TestArchivingMeetsAChange(t *testing.T) {
	p := signUp(t)
	for path, change := range map[string]map[string]any{
		"/v1/clients/" + p.newClient():     {"notes": "Pays late"},
		"/v1/projects/" + p.newProject(""): {"description": "A new one"},
	} {
		for _, verb := range []string{"/archive", "/restore"} {
			turn := journey.Call{Method: http.MethodPost, Path: path + verb, IfMatch: p.etag(path), Key: "key-" + unique()}
			a := held(p, turn, "TransactWriteItems", func() {
				p.must(200, journey.Call{Method: http.MethodPatch, Path: path, IfMatch: "*", Body: change})
			})
			if a.Code() != "stale_version" {
				t.Errorf("%s%s = %d %s; want stale_version", path, verb, a.Status, a.Body)
			}
			turn.IfMatch = p.etag(path)
			first := p.must(200, turn)
			if again := p.must(200, turn); string(again.Body) != string(first.Body) {
				t.Errorf("%s%s answers a repeat with %s; want %s", path, verb, again.Body, first.Body)
			}
		}
	}
}

// TestWorkIsMovedAndListed moves a project to another client and an entry to another project, and lists by what is kept
// for lists alone.
func TestWorkIsMovedAndListed(t *testing.T) {
	p := signUp(t)
	from, to := p.newClient(), p.newClient()
	project := "/v1/projects/" + p.newProject(from)
	p.must(200, journey.Call{Method: http.MethodPatch, Path: project, IfMatch: p.etag(project), Body: map[string]any{"client_id": to}})
	p.must(200, journey.Call{Method: http.MethodPost, Path: "/v1/clients/" + from + "/archive", IfMatch: "*"})
	back := p.call(journey.Call{Method: http.MethodPatch, Path: project, IfMatch: "*", Body: map[string]any{"client_id": from}})
	if back.Code() != "client_archived" {
		t.Errorf("moving to an archived client = %d %s; want client_archived", back.Status, back.Body)
	}
	used := p.call(journey.Call{Method: http.MethodDelete, Path: "/v1/clients/" + to, IfMatch: "*"})
	if used.Code() != "client_in_use" {
		t.Errorf("deleting a client in use = %d %s; want client_in_use", used.Status, used.Body)
	}
	for list, want := range map[string]string{"/v1/clients?status=archived": from, "/v1/projects?client_id=" + to: project[len("/v1/projects/"):]} {
		if a := p.must(200, journey.Call{Method: http.MethodGet, Path: list}); a.Text("data.0.id") != want || a.Text("data.1.id") != "" {
			t.Errorf("%s lists %s; want %s alone", list, a.Body, want)
		}
	}
	entry := "/v1/time-entries/" + p.newEntry(p.project())
	moved := p.must(200, journey.Call{Method: http.MethodPatch, Path: entry, IfMatch: p.etag(entry), Body: map[string]any{"project_id": project[len("/v1/projects/"):]}})
	if moved.Text("project_id") != project[len("/v1/projects/"):] {
		t.Errorf("the entry is %s; want it moved", moved.Body)
	}
}

// TestWhatRunsOnIsSettled lets the time pass after which a timer is forgotten and a deleted project is gone.
func TestWhatRunsOnIsSettled(t *testing.T) {
	p := signUp(t)
	advance := func(d time.Duration) {
		cloud.Move(func(c *simclock.Clock) { c.Advance(d) })
		p.logIn()
	}
	client := p.newClient()
	project := "/v1/projects/" + p.newProject(client)
	p.must(202, journey.Call{Method: http.MethodDelete, Path: project, IfMatch: p.etag(project)})
	p.startTimer()
	advance(2 * time.Minute)
	p.startTimer() // which stops the first
	if err := p.RunJob(t.Context(), "CloseProjects"); err != nil {
		t.Fatal(err)
	}
	p.must(404, journey.Call{Method: http.MethodGet, Path: project})
	p.must(204, journey.Call{Method: http.MethodDelete, Path: "/v1/clients/" + client, IfMatch: "*"})
	advance(8 * time.Hour)
	for range 2 {
		if err := p.RunJob(t.Context(), "RemindTimers"); err != nil {
			t.Fatal(err)
		}
		p.settle()
	}
	mails, err := p.Mails(t.Context(), p.person.Email)
	if err != nil {
		t.Fatal(err)
	}
	reminders := 0
	for _, m := range mails {
		if m.Subject == "Did you forget your timer?" {
			reminders++
		}
	}
	if reminders != 1 {
		t.Errorf("%d mails about the timer; want 1", reminders)
	}
	if a := p.must(201, journey.Call{Method: http.MethodPost, Path: "/v1/timer/stop"}); a.Text("duration_seconds") < "28800" {
		t.Errorf("the entry has %s seconds; want 8 hours", a.Text("duration_seconds"))
	}
}

// TestAShorterRetentionCountsFromTheNextChange shortens the time that project data is kept. Who changes, archives or restores a
// project from then on has it looked at in time, before the sweep has come to the setting; one that is deleted leaves no clock,
// and nobody who worked on it.
func TestAShorterRetentionCountsFromTheNextChange(t *testing.T) {
	p := signUp(t)
	keep := func(days int) {
		t.Helper()
		p.must(200, journey.Call{Method: http.MethodPatch, Path: "/v1/org", IfMatch: "*", Body: map[string]any{"retention_days": days}})
	}
	looked := func(project string, days int) {
		t.Helper()
		for _, kind := range []string{"DUE", "WAKE"} {
			looks := strings.Split(p.clocks(kind+"#purge-project", project), "\n")
			text, _, _ := strings.Cut(looks[0], "#")
			at, err := time.Parse(time.RFC3339, text)
			if want := p.now().AddDate(0, 0, days).Add(-retention.ExportOffer); err != nil || len(looks) != 1 || at.Sub(want).Abs() > time.Hour {
				t.Errorf("%s is looked at %q, %v; want one look at %s", project, looks, err, want)
			}
		}
	}
	keep(365)
	changed, archived, restored, deleted := p.newProject(""), p.newProject(""), p.newProject(""), p.newProject("")
	p.must(200, journey.Call{Method: http.MethodPost, Path: "/v1/projects/" + restored + "/archive", IfMatch: "*"})
	p.must(201, journey.Call{Method: http.MethodPost, Path: "/v1/projects/" + deleted + "/members", Body: map[string]any{"member_id": p.self()}})
	for _, project := range []string{changed, archived, restored, deleted} {
		looked(project, 365)
	}
	keep(30)
	p.must(200, journey.Call{Method: http.MethodPatch, Path: "/v1/projects/" + changed, IfMatch: "*", Body: map[string]any{"description": "A new one"}})
	p.must(200, journey.Call{Method: http.MethodPost, Path: "/v1/projects/" + archived + "/archive", IfMatch: "*"})
	p.must(200, journey.Call{Method: http.MethodPost, Path: "/v1/projects/" + restored + "/restore", IfMatch: "*"})
	for _, project := range []string{changed, archived, restored} {
		looked(project, 30)
	}
	p.must(202, journey.Call{Method: http.MethodDelete, Path: "/v1/projects/" + deleted, IfMatch: "*"})
	p.runLater("close-projects", 2*time.Minute)
	for _, left := range p.finds(deleted) {
		if !strings.HasPrefix(left, "TOMBSTONE") {
			t.Errorf("of a deleted project is left: %s", left)
		}
	}
}
