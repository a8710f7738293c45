// Package dossier is everything that an organization has about one client, for the organization as controller when the
// person asks for a copy. It alone links what invoices and files are, which clients themselves know nothing of.
package dossier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

// MaxSize is how many bytes of records one answer holds: what a function may answer, with room for the rest.
const MaxSize = 4 << 20

// Body is everything about one client.
type Body struct {
	ClientID    string                      `json:"client_id" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	GeneratedAt time.Time                   `json:"generated_at"`
	Records     map[string][]map[string]any `json:"records" doc:"By the names under which the organization's own export has them: clients, contacts, invoices, invoice_payers, invoice_lines, invoice_documents, payments, files. Times that are whole numbers are seconds or milliseconds since 1970-01-01 UTC."`
}

// Out is the answer of export-client.
type Out struct{ Body Body }

// Routes lists the routes of this package.
func Routes() []api.Operation { return []api.Operation{ExportClient(nil, datamap.Map{})} }

// ExportClient gives everything that the organization has about one client, as the registry says what may be shown.
func ExportClient(seals keys.DataKeys, m datamap.Map) api.Operation {
	e := Body{ClientID: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", GeneratedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Records: map[string][]map[string]any{"clients": {{"record_type": "CLIENT", "id": "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "name": "Example Bakery", "email": "office@example.com"}}}}
	return api.New(api.Route{
		ID: "export-client", Area: "clients", Method: http.MethodGet, Path: "/v1/clients/{id}/export", ReadsAhead: true, Audit: true, Rights: true,
		Permission: access.ClientsDelete, Purpose: purpose.PrivacyRights, Summary: "Everything about one client",
		Description: "For the organization, as controller of its clients' data, when the person asks for a copy: the client with its contacts, invoices with their lines, recipients and payments, and the files that hang on the client, whose bytes their own downloads give. " +
			"A tax id is shown with the right tax_id:read. What is restricted is in it. That it was made is itself recorded.",
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "client_not_found", When: "There is no such client in the organization."},
			{Kind: problem.Conflict, Code: "client_erased", When: "The client was erased, for good."},
			{Kind: problem.Conflict, Code: "export_too_large", When: "It is more than 4 MiB; the organization's own export has no such limit."}},
		ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *clients.ByID) (*Out, error) {
		org := c.Org.Store().BindOrganization(c.Org.ID, c.Org.Actor())
		org.SeeRestricted()
		cli, err := clients.Read(ctx, org, in.ID)
		if err != nil {
			return nil, err
		}
		if cli.ErasedAt != 0 {
			return nil, problem.Of(problem.Conflict, "client_erased", "The client was erased, for good.")
		}
		b := &binder{ctx: ctx, c: c, org: org, seals: seals, m: m, records: map[string][]map[string]any{}}
		if err := b.all(cli.ID); err != nil {
			return nil, err
		}
		if err := c.Commit(ctx, c.Org.Store().Begin(), string(cli.ID)); err != nil {
			return nil, err
		}
		return &Out{Body: Body{ClientID: string(cli.ID), GeneratedAt: c.Now.UTC().Truncate(time.Second), Records: b.records}}, nil
	})
}

// binder collects records.
type binder struct {
	ctx     context.Context
	c       *api.Caller
	org     *store.Organization
	seals   keys.DataKeys
	m       datamap.Map
	records map[string][]map[string]any
	size    int
}

var errFull = errors.New("dossier: more than one answer holds")

// all collects everything about a client. An invoice that changes its state meanwhile may be met twice, and is bound once.
func (b *binder) all(cli id.Client) error {
	s := b.org.Scope()
	err := errors.Join(b.walk(store.Query{Partition: s.Partition(clients.Family), Prefix: string(cli)}), b.walk(clients.Contacts(s, cli)), b.walk(files.OfParent(s, string(cli))))
	seen := map[string]bool{}
	for _, shelf := range invoicing.Shelves(s, cli) {
		if err != nil {
			break
		}
		err = record.Walk(b.ctx, b.org, shelf, func(r *record.Row) error {
			if seen[r.SK] || r.Type() != (*invoicing.Invoice)(nil).Type() {
				return nil
			}
			seen[r.SK] = true
			if err := b.bind(r); err != nil {
				return err
			}
			for _, q := range invoicing.Leaves(s, id.Invoice(r.Text("id"))) {
				if err := b.walk(q); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if errors.Is(err, errFull) {
		return problem.Of(problem.Conflict, "export_too_large", "It is more than one answer holds; the organization's own export has no such limit.")
	}
	return err
}

func (b *binder) walk(q store.Query) error { return record.Walk(b.ctx, b.org, q, b.bind) }

// bind adds what the registry lets be seen of a row.
func (b *binder) bind(r *record.Row) error {
	to, shown := b.m.Exported(r.Type(), r.Attributes())
	if shown == nil {
		return nil
	}
	row, _ := b.m.Of(r.Type())
	for _, f := range row.Fields {
		sealed := r.Bytes(f.Name)
		if !f.Sealed || !f.Shown() || len(sealed) == 0 {
			continue
		}
		plain, err := taxid.Show(b.ctx, b.c, b.seals, taxid.Place(b.org.Scope(), store.Family(row.Family), r.SK, f.Name), sealed)
		if err != nil {
			return fmt.Errorf("export %s of a %s: %w", f.Name, row.Type, err)
		}
		shown[f.Export] = plain
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return err
	}
	if b.size += len(text); b.size > MaxSize {
		return errFull
	}
	b.records[to] = append(b.records[to], shown)
	return nil
}
