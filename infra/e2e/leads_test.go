package e2e_test

import (
	"net/http"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
)

// TestALeadManagesTheirProjectAlone manages a project that a member leads, and tries another; and does with a guest's rights
// what a guest may be granted.
func TestALeadManagesTheirProjectAlone(t *testing.T) {
	owner := signUp(t)
	lead, member := owner.colleague("member")
	guest, invited := owner.colleague("guest")
	led, other := "/v1/projects/"+owner.newProject(""), "/v1/projects/"+owner.newProject("")
	owner.must(http.StatusCreated, journey.Call{Method: "POST", Path: led + "/members", Body: map[string]any{"member_id": member, "role": "lead"}})
	project := led[len("/v1/projects/"):]
	for path, want := range map[string]int{led: http.StatusOK, other: http.StatusForbidden} {
		lead.must(want, journey.Call{Method: "PATCH", Path: path, IfMatch: "*", Body: map[string]any{"name": "New"}})
	}
	lead.must(http.StatusForbidden, journey.Call{Method: "POST", Path: other + "/members", Body: map[string]any{"member_id": invited}})
	lead.must(http.StatusCreated, journey.Call{Method: "POST", Path: led + "/members", Body: map[string]any{"member_id": invited}})
	entry := "/v1/time-entries/" + guest.newEntry(project)
	lead.must(http.StatusOK, journey.Call{Method: "GET", Path: entry})
	lead.must(http.StatusOK, journey.Call{Method: "PATCH", Path: entry, IfMatch: "*", Body: map[string]any{"note": "New"}})
	if n := count(lead, "/v1/time-entries?project_id="+project, `"ent_`); n != 1 {
		t.Errorf("a lead sees %d entries of their project; want 1", n)
	}
	lead.must(http.StatusForbidden, journey.Call{Method: "GET", Path: "/v1/time-entries?project_id=" + other[len("/v1/projects/"):]})
	lead.must(http.StatusNoContent, journey.Call{Method: "DELETE", Path: entry, IfMatch: "*"})
	seat := led + "/members/" + invited
	lead.must(http.StatusOK, journey.Call{Method: "PATCH", Path: seat, IfMatch: "*", Body: map[string]any{"role": "lead"}})
	lead.must(http.StatusNoContent, journey.Call{Method: "DELETE", Path: seat, IfMatch: "*"})
	rename := journey.Call{Method: "PATCH", Path: led, IfMatch: "*", Body: map[string]any{"name": "New"}}
	for scope, want := range map[access.Permission]int{access.ProjectsWriteLed: http.StatusOK, access.ProjectsRead: http.StatusForbidden} {
		_, rename.Token = lead.newAPIToken(string(scope))
		lead.must(want, rename)
	}
	owner.must(http.StatusNoContent, journey.Call{Method: "DELETE", Path: led + "/members/" + member, IfMatch: "*"})
	lead.must(http.StatusForbidden, journey.Call{Method: "PATCH", Path: led, IfMatch: "*", Body: map[string]any{"name": "Newer"}})

	p := signUp(t)
	p.becomes(access.Guest, access.ProjectsWrite)
	create := journey.Call{Method: "POST", Path: "/v1/projects", Body: projectBody(""), Key: "key-" + unique()}
	made := "/v1/projects/" + p.must(http.StatusCreated, create).Text("id")
	p.must(http.StatusCreated, create)
	p.must(http.StatusOK, journey.Call{Method: "GET", Path: made})
	p.becomes(access.Owner)
	on := "/v1/projects/" + p.working()
	p.becomes(access.Guest, access.ProjectsWrite, access.ProjectsDelete)
	p.must(http.StatusOK, journey.Call{Method: "POST", Path: on + "/archive", IfMatch: "*"})
	p.must(http.StatusOK, journey.Call{Method: "POST", Path: on + "/restore", IfMatch: "*"})
	p.must(http.StatusAccepted, journey.Call{Method: "DELETE", Path: on, IfMatch: "*"})
}
