// Package admin is what PixelTrack's own people have of themselves: who they are, what each role may do, and the record of
// what all of them did. What they decide about lies with its area.
package admin

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about staff.
func Routes() []api.Operation {
	return []api.Operation{GetStaff(), ListStaffRoles(), ListStaffAudit(), VerifyStaffAudit(chain.Witness{})}
}

// StaffBody is one of PixelTrack's own people, as they see themself.
type StaffBody struct {
	ID          id.Staff            `json:"id" doc:"What your acts are recorded under." example:"stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Role        access.StaffRole    `json:"role" enum:"support,privacy_officer,legal,security"`
	Permissions []access.Permission `json:"permissions" doc:"What the role may do. None reaches into an organization without an access that its owner is shown."`
	Since       time.Time           `json:"since"`
}

// StaffOut is the answer of get-staff.
type StaffOut struct{ Body StaffBody }

// GetStaff shows the caller's appointment.
func GetStaff() api.Operation {
	return api.New(api.Route{
		ID: "get-staff", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/me", Audience: api.Staff, Audit: true,
		Summary: "Who you are among PixelTrack's own people", Purpose: purpose.Security,
		ExampleOut: StaffBody{ID: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Role: access.SecurityLead, Permissions: access.StaffPermissions(access.SecurityLead),
			Since: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)},
	}, func(_ context.Context, c *api.Caller, _ *struct{}) (*StaffOut, error) {
		return &StaffOut{StaffBody{ID: c.Staff.ID, Role: c.Staff.Role, Permissions: access.StaffPermissions(c.Staff.Role),
			Since: time.Unix(c.Staff.Since, 0).UTC()}}, nil
	})
}

// RoleBody is a role of staff with what it may do.
type RoleBody struct {
	Role        access.StaffRole    `json:"role" example:"privacy_officer"`
	Permissions []access.Permission `json:"permissions" doc:"What the role may do, resource:action."`
}

// RolesOut is the answer of list-staff-roles.
type RolesOut struct{ Body api.List[RoleBody] }

// ListStaffRoles shows the table of rights that every route of staff is judged by.
func ListStaffRoles() api.Operation {
	return api.New(api.Route{
		ID: "list-staff-roles", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/roles", Audience: api.Staff, Audit: true,
		Summary: "The roles of staff and their permissions", Purpose: purpose.Security, Description: "What is not listed is refused.",
		ExampleOut: api.List[RoleBody]{Data: []RoleBody{{access.SecurityLead, access.StaffPermissions(access.SecurityLead)}}},
	}, func(context.Context, *api.Caller, *struct{}) (*RolesOut, error) {
		out := new(RolesOut)
		for _, r := range access.StaffRoles() {
			out.Body.Data = append(out.Body.Data, RoleBody{r, access.StaffPermissions(r)})
		}
		return out, nil
	})
}

// ListStaffAudit lists what staff did.
func ListStaffAudit() api.Operation {
	return api.New(api.Route{
		ID: "list-staff-audit", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/audit", Audience: api.Staff, Audit: true, Permission: access.StaffAuditRead,
		Summary: "What PixelTrack's own people did", Purpose: purpose.Security,
		Description: "Newest first, kept for 7 years: every call, reads and refusals too. Records hold ids, never names. Among them is that an account began (account_created) or was deleted (account_deleted), by a hash whose key goes with the person.",
		ExampleOut:  api.List[audit.RecordBody]{Data: []audit.RecordBody{exampleRecord()}},
	}, func(ctx context.Context, c *api.Caller, in *audit.ListIn) (*audit.ListOut, error) {
		return audit.List(ctx, c.Platform(), store.PlatformScope(), in)
	})
}

// VerifyStaffAudit recomputes the chain of the records of staff and holds it against what was signed.
func VerifyStaffAudit(w chain.Witness) api.Operation {
	return api.New(api.Route{
		ID: "verify-staff-audit", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/audit/verification", Audience: api.Staff, Audit: true, Permission: access.StaffAuditRead,
		Summary: "Verify that no record of what staff did was changed", Purpose: purpose.Security,
		Description: "As organizations verify theirs: a call recomputes up to 20 seals of 100 records; the last one compares the chain with the head that is signed every day and kept where nobody can delete it.",
		ExampleOut:  chain.Report{Intact: true, Seals: 3, Records: 212, Waiting: 4, Signed: 3, Findings: []chain.Finding{}, Restored: []chain.Restored{}},
	}, func(ctx context.Context, c *api.Caller, in *audit.VerifyIn) (*audit.VerifyOut, error) {
		return audit.Verify(ctx, c.Platform(), w, c.Now, in)
	})
}

func exampleRecord() audit.RecordBody {
	return audit.RecordBody{ID: "rec_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Actor: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Action: "get-staff", Outcome: "done", Request: "JKJaXmPLvHcESHA=", Purpose: purpose.Security}
}
