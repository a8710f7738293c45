package invoicing_test

import (
	"net/http"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/projects"
)

// TestAGuestBillsNoTimeOfAProjectThatTheyAreNotOn is about a guest who was granted invoices: a project that they do not see
// is like one that never was, whoever its client is.
func TestAGuestBillsNoTimeOfAProjectThatTheyAreNotOn(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	client, other := w.client(owner).ID, w.client(owner).ID
	on, off, elsewhere := w.project(owner, client, 9000), w.project(owner, client, 9000), w.project(owner, other, 9000)
	guest := w.Member(owner.Org, access.Guest)
	w.Want(w.Call(members.UpdateMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(guest.Member), IfMatch: "*",
		Body: map[string]any{"grants": []access.Permission{access.InvoicesWrite, access.RatesRead}}}), http.StatusOK, "")
	w.Want(w.Call(projects.CreateProjectMember(w.Store), owner, apitest.Request{Path: "/v1/projects/" + on + "/members", Body: map[string]any{"member_id": string(guest.Member)}}), http.StatusCreated, "")
	bill := func(all ...string) apitest.Answer {
		return w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), guest, apitest.Request{Body: map[string]any{"client_id": client,
			"from_time": map[string]any{"project_ids": all, "from": "2026-02-01", "to": "2026-02-28"}}})
	}
	for _, hidden := range []string{off, elsewhere, "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"} {
		w.Want(bill(hidden), http.StatusNotFound, "project_not_found")
		w.Want(bill(on, hidden), http.StatusNotFound, "project_not_found")
	}
	w.Want(bill(on), http.StatusAccepted, "")
}
