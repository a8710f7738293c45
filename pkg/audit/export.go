package audit

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/export"
	"pixeltrack.io/platform/pkg/privacy/purpose"
)

// perFile is how many records one file holds at most: about a megabyte and a half, which an answer can carry.
const perFile = 5000

// ExportIn is the input of export-audit.
type ExportIn struct {
	Filter
	Cursor string `query:"cursor" maxLength:"1024" doc:"Next-Cursor of the file before." example:"ZmlsZQ"`
}

// ExportOut is the answer of export-audit.
type ExportOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	NextCursor  string `header:"Next-Cursor" doc:"Of the next file; absent when this is the last."`
	Body        []byte
}

// ExportAudit gives the organization's audit records as a file for spreadsheets.
func ExportAudit() api.Operation {
	return api.New(api.Route{
		ID: "export-audit", Area: "organization", Method: http.MethodGet, Path: "/v1/audit/export", Permission: access.AuditRead, Audit: true,
		Summary: "What was done in the organization, as CSV", Purpose: purpose.Security, Produces: "text/csv",
		Description: "RFC 4180 with a line of names, oldest last, 5,000 records a file at most; Next-Cursor leads to the next one. Cells that a spreadsheet could run as a formula begin with an apostrophe. That a file was made is itself recorded.",
		ExampleOut:  "id,at,actor,action,object,outcome,request_id,purpose\r\n",
	}, func(ctx context.Context, c *api.Caller, in *ExportIn) (*ExportOut, error) {
		q, err := in.query(c.Org.Scope())
		if err != nil {
			return nil, err
		}
		q.Limit, q.Cursor = perFile, in.Cursor
		rows, next, err := in.list(ctx, c.Org, q)
		if err != nil {
			return nil, api.ListError(err)
		}
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.UseCRLF = true
		_ = w.Write([]string{"id", "at", "actor", "action", "object", "outcome", "request_id", "purpose"}) // Error tells
		for _, a := range rows {
			line := []string{string(a.ID), time.Unix(a.At, 0).UTC().Format(time.RFC3339), a.Actor, a.Action, a.Object, a.Outcome, a.Request, a.Purpose}
			for i := range line {
				line[i] = export.Safe(line[i])
			}
			_ = w.Write(line)
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return nil, err
		}
		tx := c.Org.Store().Begin()
		if err := c.Commit(ctx, tx, string(c.Org.ID)); err != nil {
			return nil, err
		}
		return &ExportOut{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="audit.csv"`, NextCursor: next, Body: file.Bytes()}, nil
	})
}
