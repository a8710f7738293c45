package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyStaff holds the appointment of a user who works for PixelTrack.
const FamilyStaff store.Family = "STAFF"

// StaffProof is how long a proof of who somebody is lets them work as staff. It must be of both factors.
const StaffProof = 12 * time.Hour

// StaffFresh is how recent a proof must be for what cannot be taken back.
const StaffFresh = 15 * time.Minute

// StaffRole is what one of PixelTrack's own people does. It gives no right inside any organisation: what staff see of one,
// they see by a visit that the organisation is shown.
type StaffRole string

// The roles of staff.
const (
	SupportAgent   StaffRole = "support"
	PrivacyOfficer StaffRole = "privacy_officer"
	LegalCounsel   StaffRole = "legal"
	SecurityLead   StaffRole = "security"
)

// The permissions of staff. Members have others, and neither counts for the other.
const (
	CasesRead      Permission = "cases:read"   // privacy requests, with what people wrote
	CasesDecide    Permission = "cases:decide" // and what becomes of them
	HoldsRead      Permission = "holds:read"
	HoldsWrite     Permission = "holds:write" // place, review and lift legal holds
	ProcessingRead Permission = "processing_record:read"
	BreachesRead   Permission = "breaches:read"
	BreachesWrite  Permission = "breaches:write"
	DemandsRead    Permission = "legal_requests:read"
	DemandsWrite   Permission = "legal_requests:write"
	DemandsApprove Permission = "legal_requests:approve" // as another than who reviewed
	AssuranceRead  Permission = "assurance:read"
	AssuranceWrite Permission = "assurance:write"
	HealthRead     Permission = "privacy_health:read"
	StaffAuditRead Permission = "staff_audit:read"
	TicketsRead    Permission = "tickets:read"
	TicketsAnswer  Permission = "tickets:answer"
	FlagsRead      Permission = "abuse_flags:read"
	FlagsWrite     Permission = "abuse_flags:write"
	VisitsRead     Permission = "support_access:read"  // which organizations may be looked into now, and by whom
	VisitsWrite    Permission = "support_access:write" // look into one, for a reason and a time
	PoliciesWrite  Permission = "policies:write"       // publish versions of the privacy policy

	SubprocessorsRead  Permission = "subprocessors:read"
	SubprocessorsWrite Permission = "subprocessors:write"
	TransfersRead      Permission = "business_transfers:read"
	TransfersWrite     Permission = "business_transfers:write"
)

// StaffRoles lists the roles of staff.
func StaffRoles() []StaffRole {
	return []StaffRole{SupportAgent, PrivacyOfficer, LegalCounsel, SecurityLead}
}

// StaffPermissions gives what a role of staff may do. It is the one table of their rights: what is not in it is refused.
func StaffPermissions(r StaffRole) []Permission {
	switch r {
	case SupportAgent:
		return []Permission{TicketsRead, TicketsAnswer, FlagsRead, VisitsRead, VisitsWrite}
	case PrivacyOfficer:
		return []Permission{CasesRead, CasesDecide, HoldsRead, ProcessingRead, BreachesRead, BreachesWrite, DemandsRead, DemandsApprove, AssuranceRead, PoliciesWrite, SubprocessorsRead, SubprocessorsWrite, TransfersRead, HealthRead, StaffAuditRead, FlagsRead, VisitsRead}
	case LegalCounsel:
		return []Permission{CasesRead, HoldsRead, HoldsWrite, ProcessingRead, BreachesRead, DemandsRead, DemandsWrite, DemandsApprove, AssuranceRead, SubprocessorsRead, TransfersRead, TransfersWrite, HealthRead}
	case SecurityLead:
		return []Permission{BreachesRead, BreachesWrite, AssuranceRead, AssuranceWrite, SubprocessorsRead, HealthRead, StaffAuditRead, FlagsRead, FlagsWrite, VisitsRead, VisitsWrite}
	}
	return []Permission{}
}

// Staff is the appointment of a user as one of PixelTrack's own people. It lies with the user and goes with the account;
// everything that they do is recorded under its id, so that it is the one link from there to a person.
type Staff struct {
	store.Meta
	ID    id.Staff  `dynamo:"id"`
	User  id.User   `dynamo:"user"`
	Role  StaffRole `dynamo:"role"`
	Since int64     `dynamo:"since"` // epoch seconds
}

// Type is the row's type.
func (s *Staff) Type() string { return "STAFF" }

// Keys puts the appointment under its user.
func (s *Staff) Keys() store.Keys { return store.Keys{Primary: StaffKey(s.User)} }

// StaffKey is where a user's appointment lies.
func StaffKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyStaff) }

// May says whether the role has a permission.
func (s *Staff) May(p Permission) bool { return slices.Contains(StaffPermissions(s.Role), p) }

// ErrNoStaffRole says that a text is no role of staff.
var ErrNoStaffRole = errors.New("access: there is no such role of staff")

// Appoint gives a user with an account a role of staff, or another one under the same id. It is an operator's act: no
// function of the product does it. A user without an account is store.ErrMissing.
func Appoint(ctx context.Context, st *store.Store, user id.User, role StaffRole) (id.Staff, error) {
	if !slices.Contains(StaffRoles(), role) {
		return "", ErrNoStaffRole
	}
	h := st.BindUser(user, store.Actor{Who: "operator"})
	s, err := store.Get[Staff](ctx, h, StaffKey(user))
	if errors.Is(err, store.ErrMissing) {
		s, err = &Staff{ID: id.New[id.Staff](st.IDs()), User: user, Since: st.Now().Unix()}, nil
	}
	if err != nil {
		return "", fmt.Errorf("appoint: %w", err)
	}
	s.Role = role
	tx := st.Begin()
	tx.Check(h, UserGateKey(user), "attribute_exists('PK') AND attribute_not_exists('deleted')").Else(store.ErrMissing)
	tx.Put(h, s)
	return s.ID, tx.Commit(ctx)
}

// Dismiss ends a user's appointment; it counts at the next call. Without one nothing happens.
func Dismiss(ctx context.Context, st *store.Store, user id.User) error {
	tx := st.Begin()
	tx.DeleteKey(st.BindUser(user, store.Actor{Who: "operator"}), StaffKey(user), "")
	return tx.Commit(ctx)
}
