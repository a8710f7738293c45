package visits

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about visits: those of staff, and the organization's own.
func Routes() []api.Operation {
	return []api.Operation{CreateSupportAccess(nil), ListActiveSupportAccess(), EndSupportAccess(nil), ListSupportAccess(), RevokeSupportAccess(nil)}
}

// Out is the answer of the routes about one visit.
type Out struct{ Body AccessBody }

// AccessBody is a visit on the wire.
type AccessBody struct {
	ID             id.Visit        `json:"id" example:"vis_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	OrganizationID id.Organization `json:"organization_id" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	StaffID        id.Staff        `json:"staff_id" doc:"Who of PixelTrack's own people; each has an id of their own." example:"stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Reason         Reason          `json:"reason" enum:"ticket,security_incident,abuse_report,legal_obligation"`
	TicketID       id.Ticket       `json:"ticket_id,omitempty" doc:"Of the reason ticket." example:"tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Explanation    string          `json:"explanation" example:"The total of an invoice is said to be wrong."`
	Data           []Kind          `json:"data" doc:"What may be looked at: the organization's settings, its members by role, its projects, its invoices without their recipients."`
	From           time.Time       `json:"from"`
	Until          time.Time       `json:"until"`
	EndedAt        *time.Time      `json:"ended_at,omitempty" doc:"When it was ended before its time."`
	EndedBy        string          `json:"ended_by,omitempty" doc:"The member, or the one of PixelTrack's own people, who ended it." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Active         bool            `json:"active" doc:"Whether it opens the organization now."`
}

func show(v *Visit, now time.Time) *Out { return &Out{body(v, now)} }

func body(v *Visit, now time.Time) AccessBody {
	b := AccessBody{ID: v.ID, OrganizationID: v.Org, StaffID: v.Staff, Reason: v.Reason, TicketID: v.Ticket, Explanation: v.Explanation, Data: append([]Kind{}, v.Kinds...),
		From: clock.At(v.From), Until: clock.At(v.Until), EndedBy: v.EndedBy, Active: v.open(now)}
	if v.Ended != 0 {
		ended := clock.At(v.Ended)
		b.EndedAt = &ended
	}
	return b
}

func exampleVisit() *Visit {
	from := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return &Visit{Org: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", ID: "vis_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Staff: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Reason: ForTicket,
		Ticket: "tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Explanation: "The total of an invoice is said to be wrong.", Kinds: []Kind{Settings, Invoices}, From: from.Unix(), Until: from.Add(8 * time.Hour).Unix()}
}

func example() AccessBody { return body(exampleVisit(), clock.At(exampleVisit().From)) }

func exampleEnded(by string) AccessBody {
	v := exampleVisit()
	v.Ended, v.EndedBy = v.From+3600, by
	return body(v, clock.At(v.Ended))
}

// CreateIn is the input of create-support-access.
type CreateIn struct{ Body CreateBody }

// CreateBody is what one of PixelTrack's own people wants to look into, and why.
type CreateBody struct {
	OrganizationID string `json:"organization_id" maxLength:"64" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Reason         Reason `json:"reason" enum:"ticket,security_incident,abuse_report,legal_obligation"`
	TicketID       string `json:"ticket_id,omitempty" maxLength:"64" doc:"The organization's ticket, of the reason ticket and of no other." example:"tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Explanation    string `json:"explanation" minLength:"10" maxLength:"500" doc:"What it is needed for. The organization's owner is mailed it as it is; it names nobody." example:"The total of an invoice is said to be wrong."`
	Data           []Kind `json:"data" minItems:"1" maxItems:"4" nullable:"false" enum:"organization,members,projects,invoices" doc:"What of it, and nothing more than is needed."`
	Hours          int    `json:"hours,omitempty" default:"8" minimum:"1" maximum:"72" doc:"For how long."`
}

// CreateSupportAccess begins a visit.
func CreateSupportAccess(st *store.Store) api.Operation {
	e := exampleVisit()
	return api.Replayable(api.Route{
		ID: "create-support-access", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/support-access", Audience: api.Staff, Audit: true, Permission: access.VisitsWrite,
		Fresh: access.StaffFresh, Status: http.StatusCreated, Summary: "Look into an organization for a reason and a time", Purpose: purpose.Support,
		Description: "Only for the caller, only what data names, and only until its end. The organization's owner is mailed at once; its owner and admins see the access, each use of it on their audit record, and end it when they want. " +
			"What people wrote, files, recipients of invoices and the names of members are never shown.",
		ExampleIn:  CreateBody{OrganizationID: string(e.Org), Reason: e.Reason, TicketID: string(e.Ticket), Explanation: e.Explanation, Data: e.Kinds, Hours: 8},
		ExampleOut: example(),
		Refusals: []api.Refusal{
			{Kind: problem.NotFound, Code: "organization_not_found", When: "There is no such organization, or it is closed."},
			{Kind: problem.NotFound, Code: "ticket_not_found", When: "The organization has no such ticket."},
			{Kind: problem.Conflict, Code: "support_access_open", When: "The caller has access to it already; end that first."},
		},
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		v, err := in.visit(c)
		if err != nil {
			return nil, err
		}
		org := st.BindOrganization(v.Org, c.Acting())
		tx := st.Begin()
		tx.Check(org, access.OrganizationGateKey(v.Org), "attribute_exists('PK') AND 'status' <> ?", access.Closed).Else(problem.Missing("organization"))
		if v.Ticket != "" {
			tx.Check(org, ticketKey(v.Org, v.Ticket), "attribute_exists('PK')").Else(problem.Missing("ticket"))
		}
		v.begin(tx, org, c.Platform()).Else(problem.Of(problem.Conflict, "support_access_open", "You have access to this organization already; end it first."))
		c.AuditVisit(tx, org, string(v.ID), "done")
		if err := c.Commit(ctx, tx, v.name()); err != nil {
			return nil, err
		}
		return show(v, c.Now), nil
	}, again(st))
}

// ticketKey is where a ticket lies.
func ticketKey(org id.Organization, t id.Ticket) store.Key {
	return store.OrganizationScope(org).Key("TICKET", string(t))
}

// visit is what the input asks for.
func (in *CreateIn) visit(c *api.Caller) (*Visit, error) {
	b := in.Body
	explanation := strings.TrimSpace(b.Explanation)
	switch {
	case len(explanation) < 10:
		return nil, problem.InvalidField("body.explanation", "say what it is needed for")
	case (b.Reason == ForTicket) != (b.TicketID != ""):
		return nil, problem.InvalidField("body.ticket_id", "of the reason ticket, and of no other")
	}
	for n, k := range b.Data {
		if slices.Contains(b.Data[:n], k) {
			return nil, problem.InvalidField("body.data", "each once")
		}
	}
	org, err := id.Parse[id.Organization](b.OrganizationID)
	if err != nil {
		return nil, problem.Missing("organization")
	}
	c.About(string(org))
	v := &Visit{Org: org, ID: api.NewID[id.Visit](c), Staff: c.Staff.ID, Reason: b.Reason, Explanation: explanation, Kinds: b.Data,
		From: c.Now.Unix(), Until: c.Now.Add(time.Duration(b.Hours) * time.Hour).Unix()}
	if b.TicketID != "" {
		if v.Ticket, err = id.Parse[id.Ticket](b.TicketID); err != nil {
			return nil, problem.Missing("ticket")
		}
	}
	return v, nil
}

// name is how the platform's records name a visit: with the organization that it is to.
func (v *Visit) name() string { return string(v.Org) + "/" + string(v.ID) }

// again answers a repeat with the visit as it is now, by its name.
func again(st *store.Store) func(context.Context, *api.Caller, string) (*Out, error) {
	return func(ctx context.Context, c *api.Caller, made string) (*Out, error) {
		org, visit, _ := strings.Cut(made, "/")
		c.About(made)
		v, err := store.Get[Visit](ctx, st.BindOrganization(id.Organization(org), c.Acting()), key(id.Organization(org), id.Visit(visit)))
		if err != nil {
			return nil, gone(err)
		}
		return show(v, c.Now), nil
	}
}

func gone(err error) error {
	if errors.Is(err, store.ErrMissing) {
		return problem.Missing("support_access")
	}
	return err
}

// OpenAccess is an access that is open, as staff list it.
type OpenAccess struct {
	ID             id.Visit        `json:"id" example:"vis_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	OrganizationID id.Organization `json:"organization_id" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	StaffID        id.Staff        `json:"staff_id" example:"stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Data           []Kind          `json:"data"`
	Until          time.Time       `json:"until"`
}

// PassesIn is the input of list-active-support-access.
type PassesIn struct{ api.Page }

// PassesOut is the answer of list-active-support-access.
type PassesOut struct{ Body api.List[OpenAccess] }

// ListActiveSupportAccess lists the visits that are open now, of all staff.
func ListActiveSupportAccess() api.Operation {
	e := exampleVisit()
	return api.New(api.Route{
		ID: "list-active-support-access", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/support-access", Audience: api.Staff, Audit: true, Permission: access.VisitsRead,
		Summary: "Which organizations are open to whom of our own people now", Purpose: purpose.Support, Description: "By organization. What is over is on the organizations' own lists.",
		ExampleOut: api.List[OpenAccess]{Data: []OpenAccess{{e.ID, e.Org, e.Staff, e.Kinds, clock.At(e.Until)}}},
	}, func(ctx context.Context, c *api.Caller, in *PassesIn) (*PassesOut, error) {
		q := store.Query{Partition: store.PlatformScope().Partition(FamilyPass), Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Platform(), q, func(p *Pass) OpenAccess {
			return OpenAccess{p.Visit, p.Org, p.Staff, append([]Kind{}, p.Kinds...), clock.At(p.ExpiresAt)}
		})
		if err != nil {
			return nil, err
		}
		return &PassesOut{page}, nil
	})
}

// EndIn is the input of end-support-access.
type EndIn struct {
	OrganizationID string `path:"id" maxLength:"64" doc:"The organization." example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	StaffID        string `path:"staff_id" maxLength:"64" doc:"Whose access it is: the caller's own or, with the same right, anybody's." example:"stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// EndSupportAccess ends a visit before its time, as one of our own people.
func EndSupportAccess(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "end-support-access", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/organizations/{id}/support-access/{staff_id}/end", Audience: api.Staff, Audit: true,
		Permission: access.VisitsWrite, Summary: "End the access of one of our own people to an organization", Purpose: purpose.Support, Description: "It counts at the next call.",
		ExampleOut: exampleEnded("stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"), Refusals: []api.Refusal{notOpen()},
	}, func(ctx context.Context, c *api.Caller, in *EndIn) (*Out, error) {
		org, errOrg := id.Parse[id.Organization](in.OrganizationID)
		staff, errStaff := id.Parse[id.Staff](in.StaffID)
		if errOrg != nil || errStaff != nil {
			return nil, problem.Missing("support_access")
		}
		c.About(string(org))
		p, err := store.Get[Pass](ctx, c.Platform(), passKey(org, staff))
		if err != nil {
			return nil, gone(err)
		}
		h := st.BindOrganization(p.Org, c.Acting())
		v, err := store.Get[Visit](ctx, h, key(p.Org, p.Visit))
		if err != nil {
			return nil, gone(err)
		}
		if !v.open(c.Now) {
			return nil, problem.Missing("support_access")
		}
		tx := st.Begin()
		v.end(tx, h, string(c.Staff.ID), c.Now)
		c.AuditVisit(tx, h, string(v.ID), "done")
		if err := c.Commit(ctx, tx, v.name()); errors.Is(err, store.ErrStale) {
			return nil, problem.Missing("support_access") // somebody else has ended it
		} else if err != nil {
			return nil, err
		}
		return show(v, c.Now), nil
	}, again(st))
}

func notOpen() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "support_access_not_found", When: "There is no such access, or it is over."}
}
