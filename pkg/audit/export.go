package audit

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/trail"
	"pixeltrack.io/platform/pkg/privacy/purpose"
)

// ExportIn is the input of export-audit.
type ExportIn struct {
	Filter
	Cursor string `query:"cursor" maxLength:"1024" doc:"Next-Cursor of the file before." example:"ZmlsZQ"`
}

// ExportAudit gives the organization's audit records as a file for spreadsheets.
func ExportAudit() api.Operation {
	return api.New(api.Route{
		ID: "export-audit", Area: "organization", Method: http.MethodGet, Path: "/v1/audit/export", Permission: access.AuditRead, Audit: true,
		Summary: "What was done in the organization, as CSV", Purpose: purpose.Security, Produces: "text/csv",
		Description: "RFC 4180 with a line of names, oldest last, 5,000 records a file at most; Next-Cursor leads to the next one. Cells that a spreadsheet could run as a formula begin with an apostrophe. That a file was made is itself recorded.",
		ExampleOut:  "id,at,actor,action,object,outcome,request_id,purpose\r\n",
	}, func(ctx context.Context, c *api.Caller, in *ExportIn) (*trail.File, error) {
		rows, next, err := in.list(ctx, c.Org, c.Org.Scope(), trail.PerFile, in.Cursor)
		if err != nil {
			return nil, err
		}
		lines := make([][]string, len(rows))
		for i, a := range rows {
			lines[i] = []string{string(a.ID), time.Unix(a.At, 0).UTC().Format(time.RFC3339), a.Actor, a.Action, a.Object, a.Outcome, a.Request, a.Purpose}
		}
		file, err := trail.CSV("audit.csv", next, []string{"id", "at", "actor", "action", "object", "outcome", "request_id", "purpose"}, lines)
		if err != nil {
			return nil, err
		}
		return file, c.Commit(ctx, c.Org.Store().Begin(), string(c.Org.ID))
	})
}
