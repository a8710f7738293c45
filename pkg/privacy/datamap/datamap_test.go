package datamap_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

var update = flag.Bool("update", false, "write registry.json from the catalog")

func TestTheMapIsWhatTheCatalogRegisters(t *testing.T) {
	want, err := json.MarshalIndent(datamap.From(catalog.Rows()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("registry.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile("registry.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("registry.json is not what the rows of the catalog say; run go test ./pkg/privacy/datamap -update and read the difference")
	}
}

func TestEveryPurposeIsRegistered(t *testing.T) {
	for _, r := range catalog.Rows() {
		p, ok := purpose.Of(r.Purpose)
		if !ok {
			t.Errorf("%s: purpose %q is not in the register", r.Type, r.Purpose)
		}
		if r.Basis != "" && ok && r.Basis != p.Basis {
			t.Errorf("%s: basis %s, but its purpose %s rests on %s", r.Type, r.Basis, p.ID, p.Basis)
		}
	}
	for _, op := range catalog.Routes() {
		if _, ok := purpose.Of(op.Purpose); !ok {
			t.Errorf("%s: purpose %q is not in the register", op.ID, op.Purpose)
		}
	}
	for _, j := range catalog.Jobs() {
		if _, ok := purpose.Of(j.Purpose); !ok {
			t.Errorf("%s: purpose %q is not in the register", j.ID, j.Purpose)
		}
	}
}

// profile is a row of these tests.
type profile struct {
	store.Meta
	Name   string            `dynamo:"name"`
	Hash   []byte            `dynamo:"hash"`
	Count  int               `dynamo:"count,omitempty"`
	Tags   []string          `dynamo:"tags"`
	Inside map[string]string `dynamo:"inside"`
	Loose  string            `dynamo:"loose"`
	local  string
}

func sample() datamap.Map {
	return datamap.From([]registry.Row{{Sample: profile{local: ""}, Type: "PROFILE", Area: "account", Family: "PROFILE",
		Scopes: []registry.Scope{registry.InUser}, Subject: registry.SubjectUser, Purpose: purpose.AccountManagement,
		Class: registry.ClassAccount, Export: "profile", Fields: []registry.Field{
			registry.Personal("name", "full_name", "what to call you", registry.EraseWithRow),
			registry.Secret("hash", "of the password", registry.EraseWithRow),
			registry.Plain("count", "a count"), registry.Plain("tags", "fixed words"), registry.Internal("inside", "codes"),
		}}})
}

func TestExported(t *testing.T) {
	m := sample()
	attributes := map[string]any{"PK": "USER#u#PROFILE", "_type": "PROFILE", "_by": "u", "name": "Ada Example", "hash": []byte{1},
		"count": 3, "inside": map[string]any{"a": "b"}, "loose": "nobody registered me"}
	file, got := m.Exported("PROFILE", attributes)
	want := map[string]any{"record_type": "PROFILE", "full_name": "Ada Example", "count": 3}
	if file != "profile" || !reflect.DeepEqual(got, want) {
		t.Errorf("Exported = %q, %v; want profile, %v", file, got, want)
	}
	if _, got := m.Exported("UNHEARD_OF", attributes); got != nil {
		t.Errorf("Exported of an unregistered type = %v; want nothing", got)
	}
}

func TestKinds(t *testing.T) {
	row, _ := sample().Of("PROFILE")
	want := map[string]string{"name": "string", "hash": "string", "count": "integer", "tags": "array", "inside": "object"}
	for _, f := range row.Fields {
		if f.Kind != want[f.Name] {
			t.Errorf("kind of %s = %s; want %s", f.Name, f.Kind, want[f.Name])
		}
	}
}
