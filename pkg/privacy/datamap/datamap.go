// Package datamap is the registry in a form that functions can read without linking every area: registry.json, made
// from the rows of the catalog and held to them by a test. The public data map, access, portability, erasure and the
// purge of an organisation are driven by it. What is not in it is exported to nobody.
package datamap

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/registry"
)

// Map is all row types with their fields.
type Map struct {
	Rows []Row `json:"rows"`
}

// Row is one row type.
type Row struct {
	Type        string           `json:"type"`
	Area        string           `json:"area"`
	Family      string           `json:"family"`
	Scopes      []registry.Scope `json:"scopes"`
	Division    string           `json:"division,omitempty"`
	MemberIndex string           `json:"member_index,omitempty"`
	Subject     registry.Subject `json:"subject,omitempty"`
	Purpose     string           `json:"purpose"`
	Basis       registry.Basis   `json:"basis,omitempty"`
	Class       registry.Class   `json:"class"`
	Export      string           `json:"export,omitempty"`
	Fields      []Field          `json:"fields"`
}

// Field is one attribute of a row type.
type Field struct {
	Name     string           `json:"name"`
	Kind     string           `json:"kind"` // string, integer, number, boolean, array, object: of JSON Schema
	Personal bool             `json:"personal,omitempty"`
	Secret   bool             `json:"secret,omitempty"`
	Sealed   bool             `json:"sealed,omitempty"` // encrypted by envelope; whoever exports it opens it
	Export   string           `json:"export,omitempty"`
	Erase    registry.Erasure `json:"erase,omitempty"`
	Object   registry.Bucket  `json:"object,omitempty"` // it holds the key of an object there that goes into an export
	Lookup   string           `json:"lookup,omitempty"`
	Why      string           `json:"why"`
}

//go:embed registry.json
var text []byte

// Current is the map of this program.
func Current() Map {
	var m Map
	if err := json.Unmarshal(text, &m); err != nil {
		panic(fmt.Sprintf("datamap: registry.json: %v", err)) // it is part of the program
	}
	return m
}

// From makes a map of registered rows, in order of area and type.
func From(rows []registry.Row) Map {
	m := Map{Rows: []Row{}}
	for _, r := range rows {
		kinds := kindsOf(reflect.TypeOf(r.Sample))
		row := Row{Type: r.Type, Area: r.Area, Family: r.Family, Scopes: r.Scopes, Division: r.Division,
			MemberIndex: r.MemberIndex, Subject: r.Subject, Purpose: r.Purpose, Basis: r.Basis, Class: r.Class, Export: r.Export}
		for _, f := range r.Fields {
			row.Fields = append(row.Fields, Field{Name: f.Name, Kind: kinds[f.Name], Personal: f.Personal, Secret: f.Secret, Sealed: f.Sealed,
				Export: f.Export, Erase: f.Erase, Object: f.Object, Lookup: f.Lookup, Why: f.Why})
		}
		slices.SortFunc(row.Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		m.Rows = append(m.Rows, row)
	}
	slices.SortFunc(m.Rows, func(a, b Row) int { return strings.Compare(a.Area+"\n"+a.Type, b.Area+"\n"+b.Type) })
	return m
}

// Of finds a row type, false for one that is not registered.
func (m Map) Of(rowType string) (Row, bool) {
	for _, r := range m.Rows {
		if r.Type == rowType {
			return r, true
		}
	}
	return Row{}, false
}

// In lists the row types that lie in the partitions of a scope, in order.
func (m Map) In(scope registry.Scope) []Row {
	var in []Row
	for _, r := range m.Rows {
		if slices.Contains(r.Scopes, scope) {
			in = append(in, r)
		}
	}
	return in
}

// Families lists the families of a scope once each, in order.
func (m Map) Families(scope registry.Scope) []string {
	var families []string
	for _, r := range m.In(scope) {
		families = append(families, r.Family)
	}
	slices.Sort(families)
	return slices.Compact(families)
}

// Exported gives what an export shows of a row: the registered fields that have a name there and are no secret, under
// that name, without what is sealed. It is nil for a row type that is not registered or goes into no export.
func (m Map) Exported(rowType string, attributes map[string]any) (file string, record map[string]any) {
	row, ok := m.Of(rowType)
	if !ok || row.Export == "" {
		return "", nil
	}
	record = map[string]any{"record_type": row.Type}
	for _, f := range row.Fields {
		if v, there := attributes[f.Name]; there && f.Shown() && !f.Sealed {
			record[f.Export] = v
		}
	}
	return row.Export, record
}

// Shown says whether an export shows the field.
func (f Field) Shown() bool { return f.Export != "" && !f.Secret }

// kindsOf gives the kind of each attribute of a row's struct.
func kindsOf(t reflect.Type) map[string]string {
	kinds := map[string]string{}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("dynamo"), ",")
		switch {
		case f.Anonymous:
			for k, v := range kindsOf(f.Type) {
				kinds[k] = v
			}
		case !f.IsExported() || tag == "-":
		default:
			if tag == "" {
				tag = f.Name
			}
			kinds[tag] = kindOf(f.Type, options)
		}
	}
	return kinds
}

func kindOf(t reflect.Type, options string) string {
	if t == reflect.TypeFor[time.Time]() {
		if strings.Contains(options, "unixtime") {
			return "integer"
		}
		return "string"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem(), options)
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "string" // base64
		}
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return "string"
}
