package access

import (
	"context"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// The families of the gate rows.
const (
	FamilyUserGate         store.Family = "USERGATE"
	FamilyOrganizationGate store.Family = "ORGGATE"
	FamilyAccess           store.Family = "ACCESS"
)

// MaxSessions is how many sessions one user may have at once; a further login ends the oldest.
const MaxSessions = 50

// UserGate decides whether a user's tokens count. It stays under 4 KB, so that reading it costs one unit.
type UserGate struct {
	store.Meta
	User     id.User          `dynamo:"user"`
	Sessions map[string]int64 `dynamo:"sessions,omitempty"`     // live sessions and the epoch second each ends at
	Deleted  int64            `dynamo:"deleted,omitempty"`      // epoch seconds of the confirmed deletion; 0 while the account lives
	Restrict bool             `dynamo:"restrict,omitempty"`     // processing restricted at intake (Art. 18)
	Hold     bool             `dynamo:"hold,omitempty"`         // a legal hold
	Paused   int64            `dynamo:"paused_until,omitempty"` // epoch seconds until which no changes are taken, for suspected abuse
	Frozen   int64            `dynamo:"frozen,omitempty"`       // epoch seconds since which it is looked at whether the account is a child's
	TooYoung bool             `dynamo:"too_young,omitempty"`    // below the age at which somebody may agree for themself, when they last said how old they are

	Cleared int64 `dynamo:"age_cleared,omitempty"` // epoch seconds at which people found that it is not

	RestrictedBy id.Case `dynamo:"restricted_by,omitempty"` // the newest request that restricted it; its id tells when

	Changes map[id.Announcement]int64 `dynamo:"changes,omitempty"` // of the policy that the person was told of, and the epoch second each takes effect; the first use after that is recorded, and it leaves

	SecondFactor   bool  `dynamo:"second_factor,omitempty"`    // a second factor is enrolled: a password alone begins no session
	SecondFactorAt int64 `dynamo:"second_factor_at,omitempty"` // epoch seconds since which there has been one; an older proof was of the password alone
}

// Type is the row's type.
func (g *UserGate) Type() string { return "USERGATE" }

// Keys puts the gate into the user's scope.
func (g *UserGate) Keys() store.Keys { return store.Keys{Primary: UserGateKey(g.User)} }

// UserGateKey is where a user's gate lies.
func UserGateKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyUserGate) }

// Live says whether a session counts at a time.
func (g *UserGate) Live(s id.Session, at time.Time) bool {
	return g.Deleted == 0 && g.Sessions[string(s)] > at.Unix()
}

// Access is a member of an organisation: the one row there that leads to a user.
type Access struct {
	store.Meta
	Organization id.Organization `dynamo:"org"`
	Member       id.Member       `dynamo:"member"`
	User         id.User         `dynamo:"user,omitempty"`
	Role         Role            `dynamo:"role"`
	Grants       []Permission    `dynamo:"grants,omitempty"`
	GrantVersion int64           `dynamo:"grant_version"`     // goes up with each change of role or grants
	Removed      int64           `dynamo:"removed,omitempty"` // epoch seconds; the member has left
	Joined       int64           `dynamo:"joined"`
	Label        string          `dynamo:"label,omitempty"`      // what the organization calls a member without an account
	MergeInto    id.Member       `dynamo:"merge_into,omitempty"` // whose history that of the placeholder becomes, or became
	MergeAt      int64           `dynamo:"merge_at,omitempty"`   // epoch seconds; when the merge is taken on
	Merged       int64           `dynamo:"merged,omitempty"`     // epoch seconds; when it was finished
	Receiving    int             `dynamo:"receiving,omitempty"`  // how many placeholders are merging into the member
}

// Rights are what the member may do.
func (a *Access) Rights() Rights { return Rights{Role: a.Role, Grants: a.Grants} }

// Live says whether there is somebody who may act as the member.
func (a *Access) Live() bool { return a.User != "" && a.Removed == 0 }

// Type is the row's type.
func (a *Access) Type() string { return "ACCESS" }

// Keys puts the row under its organisation and member.
func (a *Access) Keys() store.Keys { return store.Keys{Primary: AccessKey(a.Organization, a.Member)} }

// AccessKey is where a member's access lies.
func AccessKey(org id.Organization, m id.Member) store.Key {
	return store.OrganizationScope(org).Key(FamilyAccess, string(m))
}

// Status is the state of an organisation.
type Status string

// The states of an organisation. Closing still answers reads and rights; closed answers nothing.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Closing   Status = "closing"
	Closed    Status = "closed"
)

// OrganizationGate decides what an organisation's members may do at all. It stays under 4 KB.
type OrganizationGate struct {
	store.Meta
	Organization      id.Organization `dynamo:"org"`
	Status            Status          `dynamo:"status"`
	Plan              string          `dynamo:"plan"`
	RestrictedMembers []id.Member     `dynamo:"restricted_members,omitempty"`
	HeldMembers       []id.Member     `dynamo:"held_members,omitempty"`
	PurgedAt          int64           `dynamo:"purged_at,omitempty"` // epoch seconds of the last purge; older updated_since must resync
	ClosingAt         int64           `dynamo:"closing_at,omitempty"`
	Paused            int64           `dynamo:"paused_until,omitempty"` // epoch seconds until which no changes are taken, for suspected abuse

	Was                 Status `dynamo:"was,omitempty"`                   // of one that is closing or closed: what it was before
	RequireSecondFactor bool   `dynamo:"require_second_factor,omitempty"` // members without one can use their rights alone
	SessionIdleHours    int    `dynamo:"session_idle_hours,omitempty"`    // how long a session in it may be unused; none is as long as any
	SessionMaxDays      int    `dynamo:"session_max_days,omitempty"`      // how old a session's last proof may be; none is as old as any
	RetentionDays       int    `dynamo:"retention_days,omitempty"`        // of project data; none is as long as the organization exists
	RetentionEvent      string `dynamo:"retention_event,omitempty"`       // that those days are counted from
}

// Type is the row's type.
func (g *OrganizationGate) Type() string { return "ORGGATE" }

// Keys puts the gate into the organisation's scope.
func (g *OrganizationGate) Keys() store.Keys {
	return store.Keys{Primary: OrganizationGateKey(g.Organization)}
}

// OrganizationGateKey is where an organisation's gate lies.
func OrganizationGateKey(o id.Organization) store.Key {
	return store.OrganizationScope(o).Key(FamilyOrganizationGate)
}

// OwnerOf finds the owner of an organisation, nil when nobody is: the account may have been erased.
func OwnerOf(ctx context.Context, org *store.Organization) (*Access, error) {
	q := store.Query{Partition: org.Scope().Partition(FamilyAccess), Limit: 100}
	for a, err := range store.All[Access](ctx, org, q) {
		if err != nil {
			return nil, fmt.Errorf("owner: %w", err)
		}
		if a.Role == Owner && a.Removed == 0 && a.User != "" {
			return a, nil
		}
	}
	return nil, nil
}

// Leads says whether a member decides for the organization: its owner and its admins do.
func (a *Access) Leads() bool { return a.Live() && (a.Role == Owner || a.Role == Admin) }

// Leaders lists the members who decide for an organization.
func Leaders(ctx context.Context, org *store.Organization) ([]*Access, error) {
	var all []*Access
	q := store.Query{Partition: org.Scope().Partition(FamilyAccess), Limit: 100}
	for a, err := range store.All[Access](ctx, org, q) {
		if err != nil {
			return nil, fmt.Errorf("leaders: %w", err)
		}
		if a.Leads() {
			all = append(all, a)
		}
	}
	return all, nil
}
