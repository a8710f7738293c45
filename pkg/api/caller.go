package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Caller is who calls, as the rows say. On a public route it knows only where the call comes from.
type Caller struct {
	Request string // the request's id
	Source  string // the caller's address as the edge saw it, for limits; never stored whole
	Agent   string // the User-Agent, for the name of a device
	Cookies map[string]string
	Headers func(name string) string
	Now     time.Time // when the request was read; one time for all it does

	OptedOut bool // the browser says that its person has opted out: this request is treated as their objection

	Proved  time.Time // when the person last showed who they are, as the token says; zero when it does not
	User    id.User
	Session id.Session
	Org     *store.Organization // nil when the token names no organisation
	Self    *store.User
	Member  id.Member
	Role    access.Role
	Grants  []access.Permission
	Gate    *access.OrganizationGate // what the organisation's gate says; on a pure read nil until the check is done
	Account *access.UserGate         // likewise the user's
	Staff   *access.Staff            // of one of PixelTrack's own people, on their routes alone

	token       *apiToken // what the call is made with, nil for an access token
	byCookie    bool      // the access token came as a cookie
	origins     []string  // of the web app
	claimed     int64     // version of the grants in the token
	route       Route
	idempotency *pending
	done        *Idempotency
	wasReplayed bool
	itemized    bool      // its things have audit records of their own
	since       time.Time // what updated_since asked for
	object      string    // what a call of staff is about, for its audit record
	recorded    bool      // a call of staff has its audit record
	refused     *Problem  // what the handler was refused with
	setCookies  []string
	passed      func() error // waits for the check of a caller whose handler runs ahead of it
	store       *store.Store
}

type callerKey struct{}

func callerOf(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}

func withCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// WithCaller puts a caller into a context, for tests of handlers.
func WithCaller(ctx context.Context, c *Caller) context.Context { return withCaller(ctx, c) }

// May says whether the caller has a permission: their role or a grant gives it, and so does the API token that they use.
func (c *Caller) May(p access.Permission) bool {
	if c.token != nil && !c.token.row.Covers(p) {
		return false
	}
	return access.Allows(c.Role, c.Grants, p)
}

// Needs refuses what the caller has no permission for.
func (c *Caller) Needs(p access.Permission) error {
	if c.May(p) {
		return nil
	}
	return problem.Of(problem.Forbidden, "permission_denied", "Your role does not allow this; it needs %s.", p)
}

// Checked waits until the caller is confirmed, for a handler that reads ahead of the check and needs the gates before
// it writes. Its error ends the handler.
func (c *Caller) Checked() error {
	if c.passed == nil {
		return nil
	}
	return c.passed()
}

// SetCookie adds a Set-Cookie header to the answer, refusals included.
func (c *Caller) SetCookie(cookie string) { c.setCookies = append(c.setCookies, cookie) }

// Rights are what the caller may do in the organisation. Those of an API token are what its scopes leave of its member's.
func (c *Caller) Rights() access.Rights {
	if c.token == nil {
		return access.Rights{Role: c.Role, Grants: c.Grants}
	}
	var r access.Rights
	for _, p := range c.token.row.Scopes {
		if c.May(p) {
			r.Grants = append(r.Grants, p)
		}
	}
	return r
}

// Actor is how the caller is written into rows outside organisations: the user, or nobody on a public route.
func (c *Caller) Actor() store.Actor { return store.Actor{Who: string(c.User), Request: c.Request} }

func (c *Caller) replaying() *Idempotency { return c.done }

// admit judges the rows that were read for the caller.
func (c *Caller) admit(s *session, now time.Time) error {
	if c.token != nil {
		if err := c.token.admit(s); err != nil {
			return err
		}
	} else if s.user.Err != nil || !s.gate.Live(c.Session, now) {
		c.dropCookies()
		return unauthenticated("session_ended", "The session has ended; log in again.")
	}
	c.Account = s.gate
	if c.route.Audience == Staff {
		return c.admitStaff(s, now)
	}
	if c.Org != nil {
		if s.member.Err != nil || s.access.User != c.User || s.access.Removed != 0 || s.org.Err != nil || s.orgGate.Status == access.Closed {
			return unauthenticated("membership_ended", "You are no longer a member of this organization; log in again.")
		}
		c.Role, c.Grants, c.Gate = s.access.Role, s.access.Grants, s.orgGate
	}
	if err := c.fresh(now); err != nil {
		return err
	}
	if c.route.Audience == Members && c.Org == nil {
		return problem.Of(problem.Forbidden, "organization_required", "Choose an organization first.")
	}
	if !c.route.Rights {
		if err := c.proven(); err != nil {
			return err
		}
		if err := c.unblocked(); err != nil {
			return err
		}
	}
	if p := c.route.Permission; p != "" {
		return c.Needs(p)
	}
	return nil
}

// fresh refuses a dangerous act of somebody who has not shown for a while who they are (RFC 9470).
func (c *Caller) fresh(now time.Time) error {
	within := c.route.Fresh
	if within == 0 || now.Sub(c.Proved) <= within {
		return nil
	}
	return reauthenticate(within)
}

func reauthenticate(within time.Duration) error {
	e := problem.Of(problem.Unauthenticated, "reauthentication_required", "Show again who you are: POST /v1/auth/reauthenticate.")
	e.Challenge = fmt.Sprintf(`error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="%d"`, int(within.Seconds()))
	e.Details = map[string]any{"max_age": int(within.Seconds())}
	return e
}

// proven refuses a member without a second factor where the organization wants one, until they have enrolled it.
func (c *Caller) proven() error {
	if c.inside() && c.Gate.RequireSecondFactor && !c.Account.SecondFactor {
		return problem.Of(problem.Forbidden, "second_factor_required", "The organization asks for a second factor; enroll one and come back.")
	}
	return nil
}

// unblocked refuses what restriction, suspension and closing stop.
func (c *Caller) unblocked() error {
	if c.Account.Restrict && !c.route.PureRead {
		return problem.Of(problem.Forbidden, "processing_restricted", "Processing of your data is restricted; you can read, export and use your rights.")
	}
	if c.Gate == nil {
		return nil
	}
	switch c.Gate.Status {
	case access.Suspended:
		return problem.Of(problem.Forbidden, "organization_suspended", "The organization is suspended; reading your data, export and deletion still work.")
	case access.Closing:
		if !c.route.PureRead {
			return problem.Of(problem.Forbidden, "organization_closing", "The organization is closing and takes no changes.")
		}
	}
	if slices.Contains(c.Gate.RestrictedMembers, c.Member) && !c.route.PureRead {
		return problem.Of(problem.Forbidden, "processing_restricted", "Processing of your data is restricted; you can read, export and use your rights.")
	}
	return nil
}

func unauthenticated(code, message string) error {
	return problem.Of(problem.Unauthenticated, code, "%s", message)
}
