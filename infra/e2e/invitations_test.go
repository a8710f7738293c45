package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
)

// inviteInto invites guests into a project, in one call, and gives the invitations' ids.
func (c *caller) inviteInto(project string, emails ...string) (invitations []string) {
	c.t.Helper()
	var items []map[string]any
	for _, email := range emails {
		items = append(items, map[string]any{"email": email, "role": "guest", "project_ids": []string{project}})
	}
	a := c.must(http.StatusOK, journey.Call{Method: "POST", Path: "/v1/invitations", Body: map[string]any{"invitations": items}})
	for n := range emails {
		invitations = append(invitations, a.Text(fmt.Sprintf("data.%d.invitation.id", n)))
	}
	return invitations
}

// TestAnInvitationLeadsIntoProjects invites as the owner, and as a guest who may let people into the projects that they work
// on, and accepts with an account and without.
func TestAnInvitationLeadsIntoProjects(t *testing.T) {
	p := signUp(t)
	project := p.working()
	rights := []access.Permission{access.MembersInvite, access.ProjectsWrite}
	for _, role := range []access.Role{access.Owner, access.Guest} {
		p.becomes(role, rights...)
		known, fresh := signUp(t), &caller{Client: client(), t: t, person: journey.NewPerson()}
		invitations := p.inviteInto(project, known.person.Email, fresh.person.Email)
		p.settle()
		p.must(http.StatusOK, journey.Call{Method: "POST", Path: "/v1/invitations/" + invitations[0] + "/resend"})
		p.settle()
		known.must(http.StatusCreated, journey.Call{Method: "POST", Path: "/v1/auth/invitations/join", Body: map[string]any{"token": known.mailToken("invited")}})
		known.into(p.organization)
		fresh.must(http.StatusCreated, journey.Call{Method: "POST", Path: "/v1/auth/invitations/accept", Token: "none",
			Body: map[string]any{"token": fresh.mailToken("invited"), "password": fresh.person.Password, "new_account": newAccountBody()}})
		fresh.logIn()
		for _, guest := range []*caller{known, fresh} {
			guest.must(http.StatusOK, journey.Call{Method: "GET", Path: "/v1/projects/" + project})
			if n := count(guest, "/v1/projects", `"prj_`); n != 1 {
				t.Errorf("invited by the %s, a guest sees %d projects; want the one", role, n)
			}
		}
	}
}
