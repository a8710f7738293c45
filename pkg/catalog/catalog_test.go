package catalog_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/registry"
)

var update = flag.Bool("update", false, "write the golden files")

const golden = "../../infra/openapi.yaml"

func TestTheDocumentIsWhatTheRoutesSay(t *testing.T) {
	got, err := api.Document(catalog.Routes())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("infra/openapi.yaml is not what the routes say; run make openapi and read the difference")
	}
}

func TestEveryFieldIsRegistered(t *testing.T) {
	for _, f := range registry.Check(catalog.Rows()) {
		t.Error(f)
	}
}

func TestEveryRouteIsDescribed(t *testing.T) {
	ids, paths := map[string]bool{}, map[string]bool{}
	for _, op := range catalog.Routes() {
		if op.Summary == "" || op.Purpose == "" || op.Area == "" {
			t.Errorf("%s: summary, purpose and area are needed", op.ID)
		}
		if op.ExampleOut == nil && op.Status != 204 {
			t.Errorf("%s: no example of its answer", op.ID)
		}
		if ids[op.ID] || paths[op.Method+op.Path] {
			t.Errorf("%s: declared twice", op.ID)
		}
		ids[op.ID], paths[op.Method+op.Path] = true, true
		if op.Audience == api.Staff && (!op.Audit || op.PureRead || op.ReadsAhead) {
			t.Errorf("%s: every call of staff is audited, so that none is a pure read", op.ID)
		}
		if (op.Audience == api.Staff) != strings.HasPrefix(op.Path, "/v1/admin/") {
			t.Errorf("%s: routes of staff, and they alone, are under /v1/admin", op.ID)
		}
		if op.Audience == api.Members && op.Permission == "" && op.Method != "GET" && !op.Rights {
			t.Errorf("%s: a change in an organisation needs a permission", op.ID)
		}
	}
}

func TestNoSchemaAsksForUniqueItems(t *testing.T) { // huma's check of it panics over a list in the list
	document, err := api.Document(catalog.Routes())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(document, []byte("uniqueItems")) {
		t.Error("a schema has uniqueItems; look for what is said twice in the handler instead")
	}
}
