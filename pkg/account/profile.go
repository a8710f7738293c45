package account

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/text/unicode/norm"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// The families of an account's rows.
const (
	FamilyProfile    store.Family = "PROFILE"
	FamilyCredential store.Family = "CREDENTIAL"
	FamilyMembership store.Family = "MEMBERSHIP"
	FamilyAcceptance store.Family = "ACCEPTANCE"
	FamilyDeletion   store.Family = "DELETION"
)

// Profile is who a person is: what they said when they signed up and have changed since.
type Profile struct {
	store.Meta
	User      id.User `dynamo:"user"`
	Name      string  `dynamo:"name"`
	Email     string  `dynamo:"email"`
	MailHash  string  `dynamo:"mail_hash"` // of the address, under which its marker lies
	Country   string  `dynamo:"country"`   // ISO 3166-1 alpha-2, for the laws that count
	Region    string  `dynamo:"region,omitempty"`
	JobTitle  string  `dynamo:"job_title,omitempty"`
	Phone     string  `dynamo:"phone,omitempty"`
	Locale    string  `dynamo:"locale"`     // BCP 47
	TimeZone  string  `dynamo:"time_zone"`  // of the IANA database
	WeekStart string  `dynamo:"week_start"` // monday, saturday or sunday
	AgePassed bool    `dynamo:"age_passed"` // all that is kept of the date of birth
	Created   int64   `dynamo:"created"`    // epoch seconds
}

// Type is the row's type.
func (p *Profile) Type() string { return "PROFILE" }

// Keys puts the profile into the user's scope.
func (p *Profile) Keys() store.Keys { return store.Keys{Primary: ProfileKey(p.User)} }

// ProfileKey is where a user's profile lies.
func ProfileKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyProfile) }

// Credential is what proves that somebody is the user.
type Credential struct {
	store.Meta
	User         id.User `dynamo:"user"`
	PasswordHash string  `dynamo:"password_hash"` // PHC string
	Since        int64   `dynamo:"since"`         // epoch seconds the password was set at

	Short bool `dynamo:"short,omitempty"` // the password has fewer characters than one that stands alone: it counts beside a second factor only
}

// Type is the row's type.
func (c *Credential) Type() string { return "CREDENTIAL" }

// Keys puts the credential into the user's scope.
func (c *Credential) Keys() store.Keys { return store.Keys{Primary: CredentialKey(c.User)} }

// CredentialKey is where a user's credential lies.
func CredentialKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyCredential) }

// Membership says who a user is in one organization.
type Membership struct {
	store.Meta
	User         id.User         `dynamo:"user"`
	Organization id.Organization `dynamo:"org"`
	Member       id.Member       `dynamo:"member"`
	Joined       int64           `dynamo:"joined"` // epoch seconds
}

// Type is the row's type.
func (m *Membership) Type() string { return "MEMBERSHIP" }

// Keys puts memberships under their user by organization.
func (m *Membership) Keys() store.Keys {
	return store.Keys{Primary: MembershipKey(m.User, m.Organization)}
}

// MembershipKey is where a user's membership of an organization lies.
func MembershipKey(u id.User, org id.Organization) store.Key {
	return store.UserScope(u).Key(FamilyMembership, string(org))
}

// MaxMemberships is how many organizations of a user are looked at.
const MaxMemberships = 30

// Memberships lists the organizations of a user, oldest first.
func Memberships(ctx context.Context, h *store.User) ([]*Membership, error) {
	all, _, err := store.List[Membership](ctx, h, store.Query{Partition: h.Scope().Partition(FamilyMembership), Limit: MaxMemberships})
	return all, err
}

// Belonging is a membership with the rows that decide what it is worth.
type Belonging struct {
	*Membership
	Access *access.Access
	Gate   *access.OrganizationGate
}

// Belongings reads what the memberships of a user are worth, in one trip, with what else is to be read. What has ended is
// left out: a member that was removed, an organization that is closed or gone.
func Belongings(ctx context.Context, st *store.Store, actor store.Actor, memberships []*Membership, others ...*store.Fetch) ([]Belonging, error) {
	all := make([]Belonging, len(memberships))
	fetches := make([]*store.Fetch, 0, 2*len(memberships))
	for i, m := range memberships {
		all[i] = Belonging{m, new(access.Access), new(access.OrganizationGate)}
		h := st.BindOrganization(m.Organization, store.Actor{Who: string(m.Member), Request: actor.Request})
		fetches = append(fetches, &store.Fetch{Through: h, Key: access.AccessKey(m.Organization, m.Member), Row: all[i].Access},
			&store.Fetch{Through: h, Key: access.OrganizationGateKey(m.Organization), Row: all[i].Gate})
	}
	if len(fetches) == 0 {
		return nil, nil
	}
	if err := st.FetchAll(ctx, append(fetches, others...)...); err != nil {
		return nil, err
	}
	live := all[:0]
	for i, b := range all {
		if fetches[2*i].Err == nil && fetches[2*i+1].Err == nil && b.Access.User == b.User && b.Access.Removed == 0 && b.Gate.Status != access.Closed {
			live = append(live, b)
		}
	}
	return live, nil
}

// Address is the marker that makes an e-mail address one user's alone, under the keyed hash of the address. That of a
// deleted account expires with it.
type Address struct {
	store.Meta
	User id.User `dynamo:"user"`
	Hash string  `dynamo:"-"`
}

// Type is the row's type.
func (a *Address) Type() string { return "ADDRESS" }

// Keys puts the marker under the hash.
func (a *Address) Keys() store.Keys { return store.Keys{Primary: store.MailLookup(a.Hash)} }

// Normal is the form of an e-mail address in which two that differ only by case or by how their characters are written
// are the same. It is empty for what cannot be an address.
func Normal(email string) string {
	text := strings.ToLower(norm.NFKC.String(strings.TrimSpace(email)))
	local, domain, ok := strings.Cut(text, "@")
	switch {
	case !ok || local == "" || len(local) > 64 || len(text) > 254 || strings.Contains(domain, "@"):
		return ""
	case !strings.Contains(domain, ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(text, ".."):
		return ""
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"(),:;<>[\]`, r) }):
		return ""
	}
	return text
}

// HashOf is the keyed hash that an address is found by.
func HashOf(p keys.Pseudonyms, email string) string { return p.Of("mail", Normal(email)) }

// People reads where a user is reached, for the mails that are sent to them. It gives compose.ErrGone for an account that
// is not there any more.
func People(ctx context.Context, h *store.User) (compose.Person, error) {
	gate, profile := new(access.UserGate), new(Profile)
	fetches := []*store.Fetch{{Through: h, Key: access.UserGateKey(h.ID), Row: gate}, {Through: h, Key: ProfileKey(h.ID), Row: profile}}
	if err := h.Store().FetchAll(ctx, fetches...); err != nil {
		return compose.Person{}, err
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err); err != nil {
		return compose.Person{}, compose.Gone(err)
	}
	return compose.Person{Name: profile.Name, Address: profile.Email}, nil
}

// Acceptance proves which version of the privacy policy a user agreed to, and when.
type Acceptance struct {
	store.Meta
	User    id.User `dynamo:"user"`
	Version int     `dynamo:"policy_version"`
	Hash    string  `dynamo:"policy_sha256"` // of the text as served
	At      int64   `dynamo:"at"`            // epoch seconds
	IP      string  `dynamo:"ip,omitempty"`  // truncated
}

// Type is the row's type.
func (a *Acceptance) Type() string { return "ACCEPTANCE" }

// Keys puts acceptances under their user in order of time.
func (a *Acceptance) Keys() store.Keys {
	return store.Keys{Primary: store.UserScope(a.User).Key(FamilyAcceptance, store.Instant(clock.At(a.At)))}
}
