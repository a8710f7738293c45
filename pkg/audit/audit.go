// Package audit shows what was done in an organization: who, what, to which object, with which outcome, by ids alone.
package audit

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about the audit records.
func Routes() []api.Operation {
	return []api.Operation{ListAudit(), ExportAudit(), VerifyAudit(chain.Witness{})}
}

// RecordBody is an audit record on the wire.
type RecordBody struct {
	ID      string    `json:"id" example:"rec_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor" doc:"Who acted: a member, or one of PixelTrack's own people. Of a member who has left it is a placeholder's id." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Action  string    `json:"action" doc:"The id of the operation." example:"update-member"`
	Object  string    `json:"object,omitempty" doc:"The id of what was acted on." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
	Outcome string    `json:"outcome" doc:"done, or the code of a refusal." example:"done"`
	Request string    `json:"request_id"`
	Purpose string    `json:"purpose" doc:"From the register of purposes." example:"collaboration"`
}

func show(a *api.Audit) RecordBody {
	return RecordBody{ID: string(a.ID), At: time.Unix(a.At, 0).UTC(), Actor: a.Actor, Action: a.Action, Object: a.Object, Outcome: a.Outcome, Request: a.Request, Purpose: a.Purpose}
}

func example() RecordBody {
	return RecordBody{ID: "rec_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Actor: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Action: "update-member",
		Object: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC", Outcome: "done", Request: "JKJaXmPLvHcESHA=", Purpose: purpose.Collaboration}
}

// Filter is which records are wanted. Several of them narrow it together.
type Filter struct {
	From    time.Time `query:"from" doc:"Only what was done at this time or later." example:"2026-03-01T00:00:00Z"`
	To      time.Time `query:"to" doc:"Only what was done before this time." example:"2026-04-01T00:00:00Z"`
	Member  string    `query:"member_id" maxLength:"64" doc:"Only what this member did." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Object  string    `query:"object" maxLength:"64" doc:"Only what was done to this object, by its id." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
	Action  string    `query:"action" maxLength:"64" doc:"Only this operation, by its id." example:"update-member"`
	Outcome string    `query:"outcome" maxLength:"64" doc:"Only this outcome: done, or the code of a refusal." example:"done"`
}

// query is the part of the filter that the order of the records serves: their time.
func (f Filter) query(of store.Scope) (store.Query, error) {
	q := store.Query{Partition: of.Partition(api.FamilyAudit), Descending: true}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return q, problem.InvalidField("query.to", "not after from")
	}
	if !f.From.IsZero() {
		q.From = store.Instant(f.From)
	}
	if !f.To.IsZero() {
		q.To = store.Instant(f.To) // an instant alone sorts before every record of that instant
	}
	return q, nil
}

// wants says whether the other parts of the filter let a record through.
func (f Filter) wants(a *api.Audit) bool {
	return (f.Member == "" || f.Member == a.Actor) && (f.Object == "" || f.Object == a.Object) && (f.Action == "" || f.Action == a.Action) && (f.Outcome == "" || f.Outcome == a.Outcome)
}

// searches says whether more is asked for than the order of the records serves.
func (f Filter) searches() bool { return f.Member+f.Object+f.Action+f.Outcome != "" }

// mostRead is how many records one call looks at in search of those that are wanted.
const mostRead = 5000

// list reads the records that are wanted, up to the limit of a query. What few records have is searched for among those
// of the time, so that writing one, which is done all day, costs no index; a page that ends before its limit says where to
// go on.
func (f Filter) list(ctx context.Context, h store.Bound, q store.Query) (rows []*api.Audit, next string, err error) {
	want := q.Limit
	if f.searches() {
		q.Limit = (want + 1) / 2 // records are taken as they were read, so a piece must fit into what is left of the page
	}
	for read := 0; ; {
		page, cursor, err := store.List[api.Audit](ctx, h, q)
		if err != nil {
			return nil, "", err
		}
		for _, a := range page {
			if f.wants(a) {
				rows = append(rows, a)
			}
		}
		read += len(page)
		if q.Cursor = cursor; cursor == "" || len(rows)+q.Limit > want || read >= mostRead {
			return rows, cursor, nil
		}
	}
}

// ListIn is the input of list-audit.
type ListIn struct {
	api.Page
	Filter
}

// ListOut is the answer of list-audit.
type ListOut struct{ Body api.List[RecordBody] }

// ListAudit lists the organization's audit records.
func ListAudit() api.Operation {
	return api.New(api.Route{
		ID: "list-audit", Area: "organization", Method: http.MethodGet, Path: "/v1/audit", PureRead: true, Permission: access.AuditRead,
		Summary: "What was done in the organization", Purpose: purpose.Security,
		Description: "Newest first, kept for 7 years. Records hold ids, never names. With a filter a page may hold fewer records than asked for, even none, and still lead on: a call looks at 5,000 records at most.",
		ExampleOut:  api.List[RecordBody]{Data: []RecordBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		return List(ctx, c.Org, c.Org.Scope(), in)
	})
}

// List reads a page of the audit records of a scope, newest first.
func List(ctx context.Context, h store.Bound, of store.Scope, in *ListIn) (*ListOut, error) {
	q, err := in.query(of)
	if err != nil {
		return nil, err
	}
	q.Limit, q.Cursor = in.Limit, in.Cursor
	rows, cursor, err := in.list(ctx, h, q)
	if err != nil {
		return nil, api.ListError(err)
	}
	page := api.List[RecordBody]{Data: make([]RecordBody, len(rows)), NextCursor: cursor}
	for i, a := range rows {
		page.Data[i] = show(a)
	}
	return &ListOut{page}, nil
}
