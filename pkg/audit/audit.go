// Package audit shows what was done in an organization: who, what, to which object, with which outcome, by ids alone.
package audit

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about the audit records.
func Routes() []api.Operation { return []api.Operation{ListAudit()} }

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

// ListIn is the input of list-audit.
type ListIn struct {
	api.Page
	From time.Time `query:"from" doc:"Only what was done at this time or later." example:"2026-03-01T00:00:00Z"`
	To   time.Time `query:"to" doc:"Only what was done before this time." example:"2026-04-01T00:00:00Z"`
}

// ListOut is the answer of list-audit.
type ListOut struct{ Body api.List[RecordBody] }

// ListAudit lists the organization's audit records.
func ListAudit() api.Operation {
	return api.New(api.Route{
		ID: "list-audit", Area: "organization", Method: http.MethodGet, Path: "/v1/audit", PureRead: true, Permission: access.AuditRead,
		Summary: "What was done in the organization", Purpose: purpose.Security,
		Description: "Newest first, kept for 7 years. Records hold ids, never names.", ExampleOut: api.List[RecordBody]{Data: []RecordBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		return List(ctx, c.Org, c.Org.Scope(), in)
	})
}

// List reads a page of the audit records of a scope, newest first.
func List(ctx context.Context, h store.Bound, of store.Scope, in *ListIn) (*ListOut, error) {
	if !in.From.IsZero() && !in.To.IsZero() && !in.From.Before(in.To) {
		return nil, problem.InvalidField("query.to", "not after from")
	}
	q := store.Query{Partition: of.Partition(api.FamilyAudit), Limit: in.Limit, Cursor: in.Cursor, Descending: true}
	if !in.From.IsZero() {
		q.From = store.Instant(in.From)
	}
	if !in.To.IsZero() {
		q.To = store.Instant(in.To) // an instant alone sorts before every record of that instant
	}
	rows, cursor, err := store.List[api.Audit](ctx, h, q)
	if err != nil {
		return nil, api.ListError(err)
	}
	page := api.List[RecordBody]{Data: make([]RecordBody, len(rows)), NextCursor: cursor}
	for i, a := range rows {
		page.Data[i] = show(a)
	}
	return &ListOut{page}, nil
}
