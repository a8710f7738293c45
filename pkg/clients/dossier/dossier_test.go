package dossier_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/clients/dossier"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

type world struct {
	*apitest.World
	vault *keystest.Vault
}

func (w world) studio() apitest.Caller {
	w.T.Helper()
	c := w.Organization()
	tx := w.Store.Begin()
	tx.Create(w.handle(c), organization.New(c.Org, "Example Studio", "DE", w.Clock.Now()))
	w.must(tx.Commit(context.Background()))
	return c
}

func (w world) handle(c apitest.Caller) *store.Organization {
	return w.Store.BindOrganization(c.Org, store.Actor{Who: "test"})
}

func (w world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// made makes something and gives its id.
func (w world) made(op api.Operation, c apitest.Caller, r apitest.Request) string {
	w.T.Helper()
	a := w.Call(op, c, r)
	w.Want(a, http.StatusCreated, "")
	var b struct{ ID string }
	a.Into(w.T, &b)
	return b.ID
}

func (w world) client(c apitest.Caller, name string) string {
	return w.made(clients.CreateClient(w.Store, w.vault, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": name, "currency": "EUR", "email": "office@" + name + ".example.com", "notes": "Notes on " + name, "tax_id": "DE" + name}})
}

func (w world) invoice(c apitest.Caller, client string, lines ...any) string {
	if len(lines) == 0 {
		lines = []any{map[string]any{"description": "Work for " + client, "unit_price": map[string]any{"amount": 100, "currency": "EUR"}}}
	}
	return w.made(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), c, apitest.Request{Body: map[string]any{"client_id": client, "lines": lines}})
}

func (w world) export(c apitest.Caller, client string) apitest.Answer {
	return w.Call(dossier.ExportClient(w.vault, datamap.From(catalog.Rows())), c, apitest.Request{Path: "/v1/clients/" + client + "/export"})
}

func (w world) body(a apitest.Answer) dossier.Body {
	w.T.Helper()
	w.Want(a, http.StatusOK, "")
	var b dossier.Body
	a.Into(w.T, &b)
	return b
}

func TestAClientsDossierHoldsEverything(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	owner, stranger := w.studio(), w.studio()
	bakery, other := w.client(owner, "bakery"), w.client(owner, "other")
	first, second := w.invoice(owner, bakery), w.invoice(owner, bakery)
	w.invoice(owner, other)
	w.made(clients.CreateContact(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: "/v1/clients/" + bakery + "/contacts", Body: map[string]any{"name": "Cleo of bakery"}})
	w.made(files.CreateFile(w.Store, new(blobtest.Bucket)), owner, apitest.Request{Body: map[string]any{"name": "Contract.pdf", "size": 3, "media_type": "application/pdf",
		"sha256": strings.Repeat("0", 64), "parent_type": "client", "parent_id": bakery}})
	tx := w.Store.Begin()
	tx.Change(w.handle(owner), invoicing.PayerKey(owner.Org, id.Invoice(second)), func(u *dynamo.Update) { u.Set("restricted", true) })
	w.must(tx.Commit(context.Background()))

	a := w.export(owner, bakery)
	b := w.body(a)
	for name, want := range map[string]int{"clients": 1, "contacts": 1, "invoices": 2, "invoice_payers": 2, "invoice_lines": 2, "files": 1} {
		if got := len(b.Records[name]); got != want {
			t.Errorf("%d records of %s; want %d", got, name, want)
		}
	}
	for _, want := range []string{bakery, first, second, "Notes on bakery", "office@bakery.example.com", "Work for " + bakery, "Contract.pdf", "DEbakery", "Cleo of bakery"} {
		if !strings.Contains(string(a.Body), want) {
			t.Errorf("the dossier lacks %q", want)
		}
	}
	if strings.Contains(string(a.Body), "other") || strings.Contains(string(a.Body), other) {
		t.Errorf("the dossier holds something of another client: %s", a.Body)
	}
	w.Want(w.export(stranger, bakery), http.StatusNotFound, "client_not_found")
	w.Want(w.export(owner, "x"), http.StatusNotFound, "client_not_found")
	for _, role := range []access.Role{access.Manager, access.Contributor, access.Accountant, access.Guest} {
		w.Want(w.export(w.Member(owner.Org, role), bakery), http.StatusForbidden, "permission_denied")
	}
	trusted := w.Member(owner.Org, access.Manager)
	tx = w.Store.Begin()
	tx.Change(w.handle(owner), access.AccessKey(owner.Org, trusted.Member), func(u *dynamo.Update) { u.Set("grants", []access.Permission{access.ClientsDelete}) })
	w.must(tx.Commit(context.Background()))
	if got := w.body(w.export(trusted, bakery)).Records["clients"][0]["tax_id"]; got != taxid.Masked {
		t.Errorf("without the right to it the tax id is %q; want dots", got)
	}
	audits := 0
	for r, err := range store.All[api.Audit](context.Background(), w.handle(owner), store.Query{Partition: store.OrganizationScope(owner.Org).Partition(api.FamilyAudit), Limit: 100}) {
		w.must(err)
		if r.Action == "export-client" && r.Outcome == "done" && r.Object == bakery {
			audits++
		}
	}
	if audits != 2 {
		t.Errorf("%d exports are on record; want 2", audits)
	}
	w.Want(w.Call(clients.EraseClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + bakery + "/erasure"}), http.StatusAccepted, "")
	w.Want(w.export(owner, bakery), http.StatusConflict, "client_erased")
}

func TestADossierHasABound(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	owner := w.studio()
	client := w.client(owner, "bakery")
	var lines []any
	for n := range 500 {
		lines = append(lines, map[string]any{"description": fmt.Sprintf("%03d ", n) + strings.Repeat("x", 490), "unit_price": map[string]any{"amount": 100, "currency": "EUR"}})
	}
	for range 8 {
		w.invoice(owner, client, lines...)
	}
	if a := w.export(owner, client); len(a.Body) > 5<<20 {
		t.Errorf("an answer of %d bytes", len(a.Body))
	}
	for range 8 {
		w.invoice(owner, client, lines...)
	}
	w.Want(w.export(owner, client), http.StatusConflict, "export_too_large")
}

// Everything of a client that the registry exports is in the dossier, so that what is added later is not forgotten. A request that
// was forwarded is what a dossier answers, and may be about several clients.
func TestWhatIsAContactsIsInTheDossier(t *testing.T) {
	for _, r := range catalog.Rows() {
		if r.Subject == registry.SubjectContact && r.Export != "" && !slices.Contains([]string{"CLIENT", "CONTACT", "INVOICEPAYER", "REFERRAL"}, r.Type) {
			t.Errorf("%s is about contacts; is it in the dossier of their client?", r.Type)
		}
	}
}
