// Package record reads and writes rows of any type as they are stored, for the work that concerns all of them: export,
// erasure and the purge of an organisation.
package record

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/store"
)

// Row is a row of any type with all its attributes.
type Row struct {
	store.Meta
	item dynamo.Item
	key  store.Key
}

// Type is the type that the row says it is of.
func (r *Row) Type() string { return r.RowType }

// Keys are the row's own, or where it is moved to; a moved row is in no index.
func (r *Row) Keys() store.Keys {
	if !r.key.IsZero() {
		return store.Keys{Primary: r.key}
	}
	return store.Keys{Primary: store.Key{PK: r.PK, SK: r.SK}, Index1: store.Key{PK: r.GSI1PK, SK: r.GSI1SK}, Index2: store.Key{PK: r.GSI2PK, SK: r.GSI2SK}}
}

// Key is where the row lies.
func (r *Row) Key() store.Key { return store.Key{PK: r.PK, SK: r.SK} }

// MoveTo gives a copy of the row that lies elsewhere, as a new row.
func (r *Row) MoveTo(key store.Key) *Row {
	moved := *r
	moved.key = key
	moved.item = make(dynamo.Item, len(r.item))
	for k, v := range r.item {
		moved.item[k] = v
	}
	return &moved
}

// UnmarshalDynamoItem takes a stored row in.
func (r *Row) UnmarshalDynamoItem(item dynamo.Item) error {
	r.item = item
	return dynamo.UnmarshalItem(item, &r.Meta)
}

// MarshalDynamoItem gives the row with its present meta data.
func (r *Row) MarshalDynamoItem() (dynamo.Item, error) {
	meta, err := dynamo.MarshalItem(&r.Meta)
	if err != nil {
		return nil, err
	}
	out := make(dynamo.Item, len(r.item))
	for k, v := range r.item {
		if !metaName(k) {
			out[k] = v
		}
	}
	for k, v := range meta {
		out[k] = v
	}
	return out, nil
}

func metaName(name string) bool {
	switch name {
	case "PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "_type", "_v", "_by", "expires_at", "due_at", "held", "restricted":
		return true
	}
	return false
}

// Text gives a text attribute, empty when there is none.
func (r *Row) Text(name string) string {
	s, ok := r.item[name].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

// Bytes gives an attribute that is binary, nil when it is not there.
func (r *Row) Bytes(name string) []byte {
	b, ok := r.item[name].(*types.AttributeValueMemberB)
	if !ok {
		return nil
	}
	return b.Value
}

// Texts gives the texts of an attribute that is one text, a list, a set, or the keys of a map.
func (r *Row) Texts(name string) []string {
	switch v := r.item[name].(type) {
	case *types.AttributeValueMemberS:
		return []string{v.Value}
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberL:
		var all []string
		for _, e := range v.Value {
			if s, ok := e.(*types.AttributeValueMemberS); ok {
				all = append(all, s.Value)
			}
		}
		return all
	case *types.AttributeValueMemberM:
		return slices.Sorted(maps.Keys(v.Value))
	}
	return nil
}

// Mentions says whether a text stands in an attribute that is not a key.
func (r *Row) Mentions(text string) bool {
	for k, v := range r.item {
		if !metaName(k) && mentions(v, text) {
			return true
		}
	}
	return false
}

func mentions(v types.AttributeValue, text string) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return strings.Contains(v.Value, text)
	case *types.AttributeValueMemberSS:
		return slices.ContainsFunc(v.Value, func(s string) bool { return strings.Contains(s, text) })
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, func(e types.AttributeValue) bool { return mentions(e, text) })
	case *types.AttributeValueMemberM:
		for k, e := range v.Value {
			if strings.Contains(k, text) || mentions(e, text) {
				return true
			}
		}
	}
	return false
}

// Remove takes an attribute away.
func (r *Row) Remove(name string) { delete(r.item, name) }

// SetText sets an attribute to a text.
func (r *Row) SetText(name, value string) { r.item[name] = &types.AttributeValueMemberS{Value: value} }

// ReplaceText puts another text in place of one, wherever it stands in an attribute that is not meta data.
func (r *Row) ReplaceText(old, by string) {
	for k, v := range r.item {
		r.item[k] = replaced(v, old, by)
	}
}

func replaced(v types.AttributeValue, old, by string) types.AttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: strings.ReplaceAll(v.Value, old, by)}
	case *types.AttributeValueMemberSS:
		all := make([]string, len(v.Value))
		for i, s := range v.Value {
			all[i] = strings.ReplaceAll(s, old, by)
		}
		return &types.AttributeValueMemberSS{Value: all}
	case *types.AttributeValueMemberL:
		all := make([]types.AttributeValue, len(v.Value))
		for i, e := range v.Value {
			all[i] = replaced(e, old, by)
		}
		return &types.AttributeValueMemberL{Value: all}
	case *types.AttributeValueMemberM:
		all := make(map[string]types.AttributeValue, len(v.Value))
		for k, e := range v.Value {
			all[strings.ReplaceAll(k, old, by)] = replaced(e, old, by)
		}
		return &types.AttributeValueMemberM{Value: all}
	}
	return v
}

// Attributes gives all attributes as plain JSON values; numbers keep their digits, bytes are base64.
func (r *Row) Attributes() map[string]any {
	all := make(map[string]any, len(r.item))
	for k, v := range r.item {
		all[k] = plain(v)
	}
	return all
}

func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberB:
		return base64.StdEncoding.EncodeToString(v.Value)
	case *types.AttributeValueMemberSS:
		return list(v.Value, func(s string) any { return s })
	case *types.AttributeValueMemberNS:
		return list(v.Value, func(s string) any { return json.Number(s) })
	case *types.AttributeValueMemberBS:
		return list(v.Value, func(b []byte) any { return base64.StdEncoding.EncodeToString(b) })
	case *types.AttributeValueMemberL:
		return list(v.Value, plain)
	case *types.AttributeValueMemberM:
		m := make(map[string]any, len(v.Value))
		for k, e := range v.Value {
			m[k] = plain(e)
		}
		return m
	}
	return nil
}

func list[T any](in []T, f func(T) any) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
