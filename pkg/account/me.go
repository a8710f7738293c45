package account

import (
	"context"
	"errors"
	"net/http"
	"time"
	_ "time/tzdata" // a function has no database of time zones of its own

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/language"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Body is an account as its holder sees it.
type Body struct {
	ID        string    `json:"id" example:"usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name      string    `json:"name" example:"Ada Example"`
	Email     string    `json:"email" example:"ada@example.com"`
	JobTitle  string    `json:"job_title" example:"Designer"`
	Phone     string    `json:"phone" example:"+49 30 5550100"`
	Country   string    `json:"country" doc:"ISO 3166-1 alpha-2." example:"DE"`
	Region    string    `json:"region" doc:"ISO 3166-2 without the country." example:"BE"`
	Locale    string    `json:"locale" doc:"BCP 47." example:"en"`
	TimeZone  string    `json:"time_zone" doc:"A zone of the IANA database." example:"Europe/Berlin"`
	WeekStart string    `json:"week_start" enum:"monday,saturday,sunday" example:"monday"`
	CreatedAt time.Time `json:"created_at"`
}

func bodyOf(p *Profile) Body {
	return Body{ID: string(p.User), Name: p.Name, Email: p.Email, JobTitle: p.JobTitle, Phone: p.Phone, Country: p.Country, Region: p.Region,
		Locale: p.Locale, TimeZone: p.TimeZone, WeekStart: p.WeekStart, CreatedAt: clock.At(p.Created)}
}

func exampleBody() Body {
	return Body{ID: "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Ada Example", Email: "ada@example.com", JobTitle: "Designer", Phone: "+49 30 5550100",
		Country: "DE", Region: "BE", Locale: "en", TimeZone: "Europe/Berlin", WeekStart: "monday", CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

// Mine is an account with the organizations that its holder belongs to.
type Mine struct {
	Body
	Organizations []MembershipBody `json:"organizations" doc:"Where you are a member, longest first; at most 30."`
}

// MembershipBody is one organization of a user.
type MembershipBody struct {
	OrganizationID string    `json:"organization_id" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	MemberID       string    `json:"member_id" doc:"Who you are there." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	JoinedAt       time.Time `json:"joined_at"`
}

// MineOut is the answer of get-account.
type MineOut struct {
	api.Tagged
	Body Mine
}

// GetAccount shows the caller's account.
func GetAccount() api.Operation {
	return api.New(api.Route{
		ID: "get-account", Area: "account", Method: http.MethodGet, Path: "/v1/me", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your account", Purpose: purpose.AccountManagement,
		ExampleOut: Mine{exampleBody(), []MembershipBody{{"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", exampleBody().CreatedAt}}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*MineOut, error) {
		var p *Profile
		var memberships []*Membership
		both, within := errgroup.WithContext(ctx)
		both.Go(func() (err error) { p, err = profile(within, c); return err })
		both.Go(func() (err error) { memberships, err = Memberships(within, c.Self); return err })
		if err := both.Wait(); err != nil {
			return nil, err
		}
		out := &MineOut{Tagged: api.Tag(p.Version), Body: Mine{bodyOf(p), []MembershipBody{}}}
		for _, m := range memberships {
			out.Body.Organizations = append(out.Body.Organizations, MembershipBody{string(m.Organization), string(m.Member), clock.At(m.Joined)})
		}
		return out, nil
	})
}

func profile(ctx context.Context, c *api.Caller) (*Profile, error) {
	p, err := store.Get[Profile](ctx, c.Self, ProfileKey(c.User))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("account")
	}
	return p, err
}

// UpdateIn is the input of update-account.
type UpdateIn struct {
	api.IfMatch
	Body Changes
}

// Changes are the fields of an account that are to change; the others stay.
type Changes struct {
	Name      *string `json:"name,omitempty" minLength:"1" maxLength:"100" example:"Ada Example"`
	JobTitle  *string `json:"job_title,omitempty" maxLength:"100" doc:"Empty removes it." example:"Designer"`
	Phone     *string `json:"phone,omitempty" maxLength:"40" pattern:"^[0-9+(). /-]*$" doc:"Empty removes it." example:"+49 30 5550100"`
	Country   *string `json:"country,omitempty" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1 alpha-2." example:"DE"`
	Region    *string `json:"region,omitempty" pattern:"^([A-Z0-9]{1,3})?$" doc:"ISO 3166-2 without the country; empty removes it." example:"BE"`
	Locale    *string `json:"locale,omitempty" maxLength:"35" doc:"BCP 47." example:"en"`
	TimeZone  *string `json:"time_zone,omitempty" maxLength:"64" doc:"A zone of the IANA database." example:"Europe/Berlin"`
	WeekStart *string `json:"week_start,omitempty" enum:"monday,saturday,sunday" example:"monday"`
}

func (ch Changes) apply(p *Profile) error {
	if ch.Locale != nil {
		if _, err := language.Parse(*ch.Locale); err != nil {
			return problem.InvalidField("body.locale", "not a language tag")
		}
	}
	if ch.TimeZone != nil && !IsZone(*ch.TimeZone) {
		return problem.InvalidField("body.time_zone", "not a zone of the IANA database")
	}
	for to, from := range map[*string]*string{&p.Name: ch.Name, &p.JobTitle: ch.JobTitle, &p.Phone: ch.Phone, &p.Country: ch.Country,
		&p.Region: ch.Region, &p.Locale: ch.Locale, &p.TimeZone: ch.TimeZone, &p.WeekStart: ch.WeekStart} {
		if from != nil {
			*to = *from
		}
	}
	return nil
}

// IsZone says whether a text names a zone of the IANA database.
func IsZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "" && name != "Local"
}

// BodyOut is the answer of update-account.
type BodyOut struct {
	api.Tagged
	Body Body
}

// UpdateAccount changes the caller's account.
func UpdateAccount(st *store.Store) api.Operation {
	title := "Designer"
	return api.New(api.Route{
		ID: "update-account", Area: "account", Method: http.MethodPatch, Path: "/v1/me", Audience: api.Users,
		Summary: "Change your account", Purpose: purpose.AccountManagement,
		Description: "Fields that are left out stay as they are.", ExampleIn: Changes{JobTitle: &title}, ExampleOut: exampleBody(),
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*BodyOut, error) {
		p, err := profile(ctx, c)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(p.Version); err != nil {
			return nil, err
		}
		if err := in.Body.apply(p); err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.Replace(c.Self, p)
		if err := c.Commit(ctx, tx, string(c.User)); err != nil {
			return nil, err
		}
		return &BodyOut{Tagged: api.Tag(p.Version), Body: bodyOf(p)}, nil
	})
}
