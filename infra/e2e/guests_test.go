package e2e_test

import (
	"net/http"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
)

// becomes makes the person a member with a role and grants, and gives them a token of that.
func (c *caller) becomes(role access.Role, grants ...access.Permission) {
	c.t.Helper()
	c.change(map[string]any{"role": string(role), "grants": grants})
	c.renew()
}

// TestAGuestWorksOnTheirProjectsAlone tracks time and hangs files as a guest, on a project that they work on, and on one
// that they do not.
func TestAGuestWorksOnTheirProjectsAlone(t *testing.T) {
	p := signUp(t)
	on, off := p.working(), p.project()
	theirs := p.newEntry(off)
	p.becomes(access.Guest)
	timer := func(project string) journey.Call {
		return journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": project}}
	}
	entry := func(project string) journey.Call {
		return journey.Call{Method: "POST", Path: "/v1/time-entries", Body: p.entryBody(project)}
	}
	p.must(http.StatusNotFound, timer(off))
	p.must(http.StatusCreated, timer(on))
	p.must(http.StatusCreated, journey.Call{Method: "POST", Path: "/v1/timer/stop"})
	p.must(http.StatusNotFound, entry(off))
	p.must(http.StatusNotFound, journey.Call{Method: "PATCH", Path: "/v1/time-entries/" + theirs, IfMatch: "*", Body: map[string]any{"note": "x"}})
	p.must(http.StatusNotFound, journey.Call{Method: "DELETE", Path: "/v1/time-entries/" + theirs, IfMatch: "*"})
	own := "/v1/time-entries/" + p.must(http.StatusCreated, entry(on)).Text("id")
	p.must(http.StatusNotFound, journey.Call{Method: "PATCH", Path: own, IfMatch: "*", Body: map[string]any{"project_id": off}})
	p.must(http.StatusOK, journey.Call{Method: "PATCH", Path: own, IfMatch: "*", Body: map[string]any{"note": "x"}})
	p.must(http.StatusNoContent, journey.Call{Method: "DELETE", Path: own, IfMatch: "*"})

	p.becomes(access.Owner)
	client := p.newClient()
	p.becomes(access.Guest, access.InvoicesWrite, access.RatesRead)
	bill := journey.Call{Method: "POST", Path: "/v1/invoices", Body: map[string]any{"client_id": client,
		"from_time": map[string]any{"project_ids": []string{off}, "from": "2026-02-01", "to": "2026-02-28"}}}
	if a := p.must(http.StatusNotFound, bill); a.Code() != "project_not_found" {
		t.Errorf("an invoice of the time of a project that the guest is not on = %s; want project_not_found", a.Code())
	}

	p.becomes(access.Owner)
	hidden := p.newFile("What a guest does not see")
	pending := p.askForUpload("project", off, "Notes.txt", "text/plain", []byte("Notes")).Text("id")
	p.becomes(access.Guest, access.FilesRead, access.FilesWrite, access.FilesDeleteOwn)
	for _, c := range []journey.Call{{Method: "GET", Path: hidden}, {Method: "GET", Path: hidden + "/download"}, {Method: "PATCH", Path: hidden, IfMatch: "*", Body: map[string]any{"name": "x.txt"}},
		{Method: "DELETE", Path: hidden, IfMatch: "*"}, {Method: "POST", Path: "/v1/files/" + pending + "/confirm"},
		{Method: "POST", Path: "/v1/files", Body: journey.Announce("project", off, "Notes.txt", "text/plain", []byte("Notes"))}} {
		p.must(http.StatusNotFound, c)
	}
	p.must(http.StatusCreated, journey.Call{Method: "POST", Path: "/v1/files", Body: journey.Announce("project", on, "Notes.txt", "text/plain", []byte("Notes"))})
	for path, want := range map[string]int{"/v1/files": 1, "/v1/files?parent_type=project&parent_id=" + on: 1, "/v1/files?parent_type=project&parent_id=" + off: 0} {
		if n := count(p, path, `"fil_`); n != want {
			t.Errorf("%s lists %d files to the guest; want %d", path, n, want)
		}
	}
}
