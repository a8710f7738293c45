package api

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Optional is a field of a partial update that may be absent, null to clear it, or a value.
type Optional[T any] struct {
	Sent  bool // false when the field is absent
	Null  bool
	Value T
}

// Some is an Optional with a value, for examples.
func Some[T any](v T) Optional[T] { return Optional[T]{Sent: true, Value: v} }

// Or gives what the update makes of a field: the value before, none, or the new one.
func (o Optional[T]) Or(before *T) *T {
	switch {
	case !o.Sent:
		return before
	case o.Null:
		return nil
	}
	v := o.Value
	return &v
}

// UnmarshalJSON reads null or a value.
func (o *Optional[T]) UnmarshalJSON(text []byte) error {
	o.Sent = true
	if bytes.Equal(text, []byte("null")) {
		o.Null = true
		return nil
	}
	return json.Unmarshal(text, &o.Value)
}

// MarshalJSON writes null or the value.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.Sent || o.Null {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// Schema is the value's schema, null allowed.
func (o Optional[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), false, "")
	s.Nullable = true
	return &s
}
