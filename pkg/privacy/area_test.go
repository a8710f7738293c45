package privacy_test

import (
	"testing"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/registry"
)

func TestRowsAreRegistered(t *testing.T) {
	for _, f := range registry.Check(privacy.Rows()) {
		t.Error(f)
	}
}

func TestRoutesMakeADocument(t *testing.T) {
	if _, err := api.Document(privacy.Routes()); err != nil {
		t.Fatal(err)
	}
	for _, op := range privacy.Routes() {
		if op.Audience != api.Public && !op.Rights {
			t.Errorf("%s: a right must not be refused to suspended, unpaid or restricted callers", op.ID)
		}
	}
}
