package privacy_test

import (
	"context"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

// What is encrypted in the table is the organization's to have like the rest: its export says what it is.
func TestAnOrganizationsExportOpensItsTaxID(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	h := w.Store.BindOrganization(ada.Org, store.Actor{Who: string(ada.Member)})
	place := keys.Place{Tenant: h.Scope().String(), Row: store.Join(string(organization.Family), organization.Key(ada.Org).SK), Field: "tax_id"}
	sealed, err := keys.NewEnvelope(w.seals, w.Clock.Now).Seal(context.Background(), place, []byte("DE123456789"))
	w.must(err)
	o := organization.New(ada.Org, "Example Studio", "DE", w.Clock.Now())
	o.TaxID = sealed
	tx := w.Store.Begin()
	tx.Create(h, o)
	e := privacy.AskForPackage(tx, h, "", "")
	w.must(tx.Commit(context.Background()))
	if text := w.packageOf(h, e); !strings.Contains(text, `"tax_id":"DE123456789"`) {
		t.Errorf("the export = %.400s …; want the tax id in it", text)
	}
}
