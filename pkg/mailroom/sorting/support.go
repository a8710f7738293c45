package sorting

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// support brings a mail to support: into the ticket that it answers, or into a new one. A ticket is found by the tag of the
// address alone, never by a subject, and only if the sender is who asked. A member's mail lies in their organisation when
// it is sure that they sent it and they have just one; everything else lies with the correspondent of the address.
func (s *sorter) support(ctx context.Context, tx *store.Tx, l *letter) error {
	members, err := s.members(ctx, l)
	if err != nil {
		return err
	}
	correspondent := place{h: l.address, Author: support.Author{Correspondent: hashOf(l.address)}}
	for _, p := range append(members, correspondent) {
		added, err := s.answer(ctx, tx, l, p)
		if err != nil {
			return err
		}
		if added {
			return s.heard(ctx, tx, l, p)
		}
	}
	p := correspondent
	if len(members) == 1 {
		p = members[0]
	}
	support.Ask(tx, p.h, p.Author, l.subject, l.text, l.acknowledges())
	return s.heard(ctx, tx, l, p)
}

// place is whom a ticket may lie with.
type place struct {
	support.Author
	h support.Holder
}

func hashOf(h *store.Case) string {
	hash, _ := h.Scope().Case()
	return hash
}

// heard makes a correspondent known, or known for longer.
func (s *sorter) heard(ctx context.Context, tx *store.Tx, l *letter, p place) error {
	if p.Correspondent == "" {
		return nil
	}
	return correspondents.Heard(ctx, tx, l.address, l.from, l.name)
}

// answer adds a mail to the ticket that it answers, false when it answers none there.
func (s *sorter) answer(ctx context.Context, tx *store.Tx, l *letter, p place) (bool, error) {
	ticket, ok := support.Tagged(s.Links, p.h.Scope(), l.tag)
	if !ok {
		return false, nil
	}
	t, err := store.Get[support.Ticket](ctx, p.h, support.KeyIn(p.h.Scope(), ticket))
	if errors.Is(err, store.ErrMissing) || err == nil && t.Member != p.Member {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = t.Hear(tx, p.h, l.text)
	if errors.Is(err, support.ErrOver) {
		return false, nil
	}
	return err == nil, err
}

// members lists who the sender is inside organisations, when it is sure that they sent the mail. Nobody is listed whose
// account is deleted or restricted, and no organisation that is closing.
func (s *sorter) members(ctx context.Context, l *letter) ([]place, error) {
	if !l.authentic {
		return nil, nil
	}
	a, err := store.Get[account.Address](ctx, s.p, store.MailLookup(account.HashOf(s.Pseudonyms, l.from)))
	if err != nil {
		return nil, ignoreMissing(err)
	}
	user := s.st.BindUser(a.User, s.actor)
	gate, err := store.Get[access.UserGate](ctx, user, access.UserGateKey(a.User))
	if err != nil || gate.Deleted != 0 || gate.Restrict {
		return nil, ignoreMissing(err)
	}
	memberships, err := account.Memberships(ctx, user)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, m := range memberships {
		h := s.st.BindOrganization(m.Organization, store.Actor{Who: string(m.Member), Request: s.actor.Request})
		h.SeeRestricted() // as with a correspondent
		member, gate := new(access.Access), new(access.OrganizationGate)
		fetches := []*store.Fetch{{Through: h, Key: access.AccessKey(m.Organization, m.Member), Row: member}, {Through: h, Key: access.OrganizationGateKey(m.Organization), Row: gate}}
		if err := s.st.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		if fetches[0].Err != nil || fetches[1].Err != nil || member.User != a.User || !member.Live() || gate.Status == access.Closing || gate.Status == access.Closed {
			continue
		}
		all = append(all, place{h: h, Author: support.Author{Org: m.Organization, Member: m.Member}})
	}
	return all, nil
}
