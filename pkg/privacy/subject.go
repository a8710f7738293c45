package privacy

import (
	"context"
	"slices"

	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// residence is where a person says to live. A person whose account says nothing gets every regime.
func residence(ctx context.Context, h record.Handle) (clocks.Residence, error) {
	var where clocks.Residence
	err := walkTypes(ctx, h, datamap.Current(), "country", func(r *record.Row) {
		if where.Country == "" {
			where = clocks.Residence{Country: r.Text("country"), Region: r.Text("region")}
		}
	})
	return where, err
}

// correspondence is the keyed hash under which lies what was written to us from a user's address, empty for a user without
// one.
func correspondence(ctx context.Context, h record.Handle, m datamap.Map, p keys.Pseudonyms) (string, error) {
	address, err := accountAddress(ctx, h, m)
	if err != nil || address == "" {
		return "", err
	}
	return correspondents.HashOf(p, address), nil
}

// accountAddress is the address of a user, empty for one without.
func accountAddress(ctx context.Context, h record.Handle, m datamap.Map) (string, error) {
	address := ""
	err := walkTypes(ctx, h, m, "email", func(r *record.Row) {
		if address == "" {
			address = r.Text("email")
		}
	})
	return address, err
}

// addressOf is where a person is reached: a user, or a correspondent.
func addressOf(ctx context.Context, h holder, m datamap.Map) (string, error) {
	hash, ok := h.Scope().Case()
	if !ok {
		return accountAddress(ctx, h, m)
	}
	c, err := store.Get[correspondents.Correspondent](ctx, h, correspondents.Key(hash))
	if err != nil {
		return "", err
	}
	return c.Address, nil
}

// Membership is one organisation of a user, with who the user is there.
type Membership struct {
	Organization id.Organization
	Member       id.Member
	Key          store.Key
}

// Memberships lists the organisations of a user.
func Memberships(ctx context.Context, h record.Handle, m datamap.Map) ([]Membership, error) {
	var all []Membership
	err := walkTypes(ctx, h, m, "member", func(r *record.Row) {
		org, errOrg := id.Parse[id.Organization](r.Text("org"))
		member, errMember := id.Parse[id.Member](r.Text("member"))
		if errOrg == nil && errMember == nil {
			all = append(all, Membership{org, member, r.Key()})
		}
	})
	return all, err
}

// walkTypes gives the rows of a person whose type has a field.
func walkTypes(ctx context.Context, h record.Handle, m datamap.Map, field string, yield func(*record.Row)) error {
	for _, t := range m.In(registry.InUser) {
		if t.Class != registry.ClassAccount || !slices.ContainsFunc(t.Fields, func(f datamap.Field) bool { return f.Name == field }) {
			continue
		}
		parts, err := record.Partitions(ctx, h, m, registry.InUser, t.Family)
		if err != nil {
			return err
		}
		for _, p := range parts {
			err := record.Walk(ctx, h, store.Query{Partition: p}, func(r *record.Row) error {
				if r.Type() == t.Type {
					yield(r)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
