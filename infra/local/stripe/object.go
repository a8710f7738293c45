package stripe

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// object is a thing of Stripe's as its JSON says it. It names others by their ids; a call may ask for them in place.
type object map[string]any

func (o object) id() string   { return o.text("id") }
func (o object) kind() string { return o.text("object") }

// text gives a text, empty for null.
func (o object) text(name string) string {
	v, _ := o[name].(string)
	return v
}

// number gives an integer, 0 for null.
func (o object) number(name string) int64 {
	v, _ := o[name].(int64)
	return v
}

func (o object) is(name string) bool {
	v, _ := o[name].(bool)
	return v
}

// snapshot is the object as it is now.
func (o object) snapshot() json.RawMessage { return encode(o) }

// previous gives what a snapshot had in members that have changed since.
func (o object) previous(before json.RawMessage) map[string]json.RawMessage {
	var then, now map[string]json.RawMessage
	if json.Unmarshal(before, &then) != nil || json.Unmarshal(o.snapshot(), &now) != nil {
		return nil
	}
	maps.DeleteFunc(then, func(name string, v json.RawMessage) bool { return string(v) == string(now[name]) })
	return then
}

// book is what Stripe remembers of one account.
type book struct {
	account string
	gone    bool // it has left the platform
	kinds   map[string][]object
	ids     map[string]object
	items   map[string][]object       // the line items of sessions
	wishes  map[string]map[string]any // what sessions say of their payments
	events  []*record
}

func newBook(account string) *book {
	return &book{account: account, kinds: map[string][]object{}, ids: map[string]object{}, items: map[string][]object{}, wishes: map[string]map[string]any{}}
}

// put remembers a new object.
func (b *book) put(o object) {
	b.kinds[o.kind()] = append(b.kinds[o.kind()], o)
	b.ids[o.id()] = o
}

// get gives an object of a kind by its id.
func (b *book) get(kind, id string) object {
	if o := b.ids[id]; o != nil && o.kind() == kind {
		return o
	}
	return nil
}

// find gives an object of a kind of whatever account. The caller holds the lock.
func (s *Server) find(kind, id string) (*book, object) {
	for _, b := range s.books {
		if o := b.get(kind, id); o != nil {
			return b, o
		}
	}
	return nil, nil
}

// one answers a call for one object of a kind, whose id is a value of the path.
func one(kind, value string) handler {
	return func(c *call) (any, *refusal) {
		if o := c.book.get(kind, c.values[value]); o != nil {
			return o, nil
		}
		return nil, missing(called(kind), c.values[value], "id")
	}
}

// called is what Stripe's errors call a kind.
func called(kind string) string { return strings.ReplaceAll(kind, ".", " ") }

// list answers a call for the objects of a kind, newest first, of those whose members are as the filters say.
func list(kind string, filters ...string) handler {
	return func(c *call) (any, *refusal) {
		for name := range c.params {
			if !slices.Contains(filters, name) && !slices.Contains([]string{"created", "limit", "starting_after", "ending_before", "expand"}, name) {
				return nil, unplayed("the filter " + name)
			}
		}
		var all []object
		for _, o := range slices.Backward(c.book.kinds[kind]) {
			if !o.is("deleted") && c.wanted(o, filters) {
				all = append(all, o)
			}
		}
		return c.page(called(kind), all)
	}
}

// wanted holds an object against the filters of a call and its bounds of creation.
func (c *call) wanted(o object, filters []string) bool {
	for _, name := range filters {
		if want, ok := c.params[name]; ok && o[name] != want {
			return false
		}
	}
	created := o.number("created")
	switch bounds := c.params["created"].(type) {
	case int:
		return created == int64(bounds)
	case map[string]any:
		for name, v := range bounds {
			n, ok := v.(int)
			if bound := int64(n); !ok || name == "gt" && created <= bound || name == "gte" && created < bound || name == "lt" && created >= bound || name == "lte" && created > bound {
				return false
			}
		}
	}
	return true
}

const (
	standardLimit = 10
	maxLimit      = 100
)

// page gives the part of a list that a call asks for by limit and cursor.
func (c *call) page(kind string, all []object) (any, *refusal) {
	limit := standardLimit
	if n, ok := c.params["limit"].(int); ok {
		if n < 1 || n > maxLimit {
			return nil, invalid("parameter_invalid_integer", "limit", "This value must be between 1 and %d.", maxLimit)
		}
		limit = n
	}
	after, before := c.text("starting_after"), c.text("ending_before")
	if after != "" && before != "" {
		return nil, invalid("", "", "You may only specify one of these parameters: starting_after, ending_before.")
	}
	at := func(id, param string) (int, *refusal) {
		if i := slices.IndexFunc(all, func(o object) bool { return o.id() == id }); i >= 0 {
			return i, nil
		}
		return 0, missing(kind, id, param)
	}
	from, to := 0, len(all)
	switch {
	case after != "":
		i, refused := at(after, "starting_after")
		if refused != nil {
			return nil, refused
		}
		from = i + 1
	case before != "":
		i, refused := at(before, "ending_before")
		if refused != nil {
			return nil, refused
		}
		from, to = max(0, i-limit), i
	}
	more := before != "" && from > 0
	if to-from > limit {
		to, more = from+limit, true
	}
	data := []any{}
	for _, o := range all[from:to] {
		data = append(data, o)
	}
	return listOf(c.path, data, more), nil
}

func listOf(path string, data []any, more bool) object {
	return object{"object": "list", "data": data, "has_more": more, "url": path}
}

// expand puts objects in the place of their ids, along paths such as data.balance_transaction.
func (b *book) expand(v any, paths []string) (any, *refusal) {
	for i, path := range paths {
		var ok bool
		if v, ok = b.inPlace(v, strings.Split(path, ".")); !ok {
			return nil, invalid("", fmt.Sprintf("expand[%d]", i), "This property cannot be expanded (%s).", path)
		}
	}
	return v, nil
}

func (b *book) inPlace(v any, path []string) (any, bool) {
	switch t := v.(type) {
	case nil:
		return nil, true
	case string:
		o := b.ids[t]
		if o == nil {
			return nil, false
		}
		v, ok := b.inPlace(o, path)
		return v, ok
	case []any:
		all := make([]any, len(t))
		for i, one := range t {
			var ok bool
			if all[i], ok = b.inPlace(one, path); !ok {
				return nil, false
			}
		}
		return all, true
	case object:
		if len(path) == 0 {
			return t, true
		}
		inner, ok := t[path[0]]
		if !ok {
			inner, ok = b.beside(t, path[0])
		}
		if !ok {
			return nil, false
		}
		t = maps.Clone(t)
		t[path[0]], ok = b.inPlace(inner, path[1:])
		return t, ok
	}
	return nil, false
}

// beside gives a list that an object has only when it is asked for.
func (b *book) beside(o object, name string) (any, bool) {
	data := []any{}
	switch o.kind() + " " + name {
	case "checkout.session line_items":
		for _, item := range b.items[o.id()] {
			data = append(data, item)
		}
		return listOf("/v1/checkout/sessions/"+o.id()+"/line_items", data, false), true
	case "charge refunds":
		for _, r := range slices.Backward(b.kinds["refund"]) {
			if r.text("charge") == o.id() {
				data = append(data, r)
			}
		}
		return listOf("/v1/charges/"+o.id()+"/refunds", data, false), true
	}
	return nil, false
}

// text gives a parameter that is a text, or an empty one.
func (c *call) text(name string) string {
	v, _ := c.params[name].(string)
	return v
}

// orNull gives a parameter, and null for an absent or empty one.
func (c *call) orNull(name string) any {
	v, ok := c.params[name]
	if !ok || v == "" {
		return nil
	}
	return v
}

// within gives the parameters of a nested object, none for an absent one.
func within(params map[string]any, name string) map[string]any {
	m, _ := params[name].(map[string]any)
	return m
}

func texts(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, one := range list {
		if text, ok := one.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// metadata merges what a call says about metadata into what there is: an empty value takes a key away, an empty text
// takes all.
func metadata(old any, params map[string]any) map[string]any {
	m := map[string]any{}
	if have, ok := old.(map[string]any); ok {
		maps.Copy(m, have)
	}
	switch said := params["metadata"].(type) {
	case string:
		clear(m)
	case map[string]any:
		for k, v := range said {
			if v == "" {
				delete(m, k)
			} else {
				m[k] = v
			}
		}
	}
	return m
}
