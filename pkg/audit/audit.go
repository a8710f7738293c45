// Package audit shows what was done in an organization: who, what, to which object, with which outcome, by ids alone.
package audit

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/audit/trail"
	"pixeltrack.io/platform/pkg/privacy/purpose"
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
	trail.Filter
	Action  string `query:"action" maxLength:"64" doc:"Only this operation, by its id." example:"update-member"`
	Outcome string `query:"outcome" maxLength:"64" doc:"Only this outcome: done, or the code of a refusal." example:"done"`
}

// wants says whether the parts of the filter that the order of the records does not serve let a record through, nil when
// there are none.
func (f Filter) wants() func(*api.Audit) bool {
	if f.Member+f.Object+f.Action+f.Outcome == "" {
		return nil
	}
	return func(a *api.Audit) bool {
		return (f.Member == "" || f.Member == a.Actor) && (f.Object == "" || f.Object == a.Object) && (f.Action == "" || f.Action == a.Action) && (f.Outcome == "" || f.Outcome == a.Outcome)
	}
}

// list reads the records of a scope that are wanted, and says with which cursor to go on.
func (f Filter) list(ctx context.Context, h store.Bound, of store.Scope, limit int, cursor string) ([]*api.Audit, string, error) {
	q, err := f.Query()
	if err != nil {
		return nil, "", err
	}
	q.Limit, q.Cursor = limit, cursor
	rows, _, next, err := trail.Search(ctx, h, q, []string{of.Partition(api.FamilyAudit)}, f.wants())
	return rows, next, api.ListError(err)
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
	rows, cursor, err := in.list(ctx, h, of, in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	return &ListOut{api.Shown(rows, cursor, show)}, nil
}
