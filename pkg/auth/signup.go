package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/disposable"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// The families of what waits for a confirmation.
const (
	FamilySignUp  store.Family = "SIGNUP"
	FamilyLetters store.Family = "LETTERS"
)

const (
	// signUpLife is how long a sign-up waits for its confirmation.
	signUpLife = 30 * time.Minute
	// confirmations is how often the confirmation of one sign-up may be tried.
	confirmations = 10
	// letters is how many mails of one kind one address is sent within letterSpan.
	letters    = 3
	letterSpan = time.Hour
)

// What a sign-up is worth. The words are equally long, so that the rows are.
const (
	fresh = "new" // it can be confirmed
	known = "old" // the address has an account; only a mail comes of it
)

// SignUpRequest is a sign-up that waits for its confirmation. It lies under the hash of its link's token and ends after
// half an hour. That of an address which has an account is as large, and cannot be confirmed.
type SignUpRequest struct {
	store.Meta
	ID           id.SignUp `dynamo:"id"`
	Of           string    `dynamo:"of"` // new or old
	Name         string    `dynamo:"name"`
	Email        string    `dynamo:"email"`
	MailHash     string    `dynamo:"mail_hash"`
	PasswordHash string    `dynamo:"password_hash"`
	Country      string    `dynamo:"country"`
	Region       string    `dynamo:"region,omitempty"`
	Organization string    `dynamo:"organization_name"`
	Policy       int       `dynamo:"policy_version"`
	PolicyHash   string    `dynamo:"policy_sha256"`
	Accepted     int64     `dynamo:"accepted"` // epoch seconds
	IP           string    `dynamo:"ip,omitempty"`
	TooYoung     bool      `dynamo:"too_young,omitempty"` // to agree for themself to what rests on consent
	Attempts     int       `dynamo:"attempts,omitempty"`
	scope        store.Scope
}

// Type is the row's type.
func (s *SignUpRequest) Type() string { return "SIGNUP" }

// Keys puts a sign-up into the scope of its link.
func (s *SignUpRequest) Keys() store.Keys {
	if s.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: s.PK, SK: s.SK}}
	}
	return store.Keys{Primary: s.scope.Key(FamilySignUp)}
}

// Letters counts the mails of one kind to one address, under its keyed hash.
type Letters struct {
	store.Meta
	Count int       `dynamo:"count"`
	Last  id.SignUp `dynamo:"last,omitempty"` // the sign-up that a mail was last for
	key   store.Key
}

// Type is the row's type.
func (l *Letters) Type() string { return "LETTERS" }

// Keys puts the count into the scope of the address.
func (l *Letters) Keys() store.Keys {
	if l.key.IsZero() {
		return store.Keys{Primary: store.Key{PK: l.PK, SK: l.SK}}
	}
	return store.Keys{Primary: l.key}
}

// next adds to a transaction that one more mail is sent, false when the address has had its mails for now. Of a count that
// is read, err says whether it is there.
func (l *Letters) next(tx *store.Tx, h *store.Case, err error, now time.Time) bool {
	switch {
	case err == nil && l.Count >= letters:
		return false
	case err == nil:
		l.Count++
		tx.Replace(h, l)
	default:
		l.Count = 1
		l.Expire(now.Add(letterSpan))
		tx.Create(h, l).Else(store.ErrStale)
	}
	return true
}

// SignUpIn is the input of sign-up.
type SignUpIn struct {
	Body SignUpBody
}

// SignUpBody is what a person says to sign up.
type SignUpBody struct {
	DateOfBirth      string `json:"date_of_birth" format:"date" doc:"Asked to find out whether the person is 13 or older, and old enough to consent to anything themself; not kept." example:"1990-04-01"`
	Name             string `json:"name" minLength:"1" maxLength:"100" example:"Ada Example"`
	Email            string `json:"email" maxLength:"254" example:"ada@example.com"`
	Password         string `json:"password" maxLength:"1024" doc:"15 to 128 characters of any kind; common passwords are refused." example:"a phrase that nobody else uses"`
	Country          string `json:"country" pattern:"^[A-Z]{2}$" doc:"Where the person lives: ISO 3166-1 alpha-2." example:"DE"`
	Region           string `json:"region,omitempty" pattern:"^[A-Z0-9]{1,3}$" doc:"The part of the country: ISO 3166-2 without the country." example:"BE"`
	PolicyVersion    int    `json:"policy_version" doc:"The version of the privacy policy that the person agreed to." example:"1"`
	PolicyHash       string `json:"policy_hash" pattern:"^[0-9a-f]{64}$" doc:"The SHA-256 of the text that was shown." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	OrganizationName string `json:"organization_name" minLength:"1" maxLength:"100" example:"Example Studio"`
	Challenge        string `json:"challenge,omitempty" maxLength:"4096" doc:"What the challenge gave, where the deployment asks for one; otherwise it is not looked at." example:"0.c2VjcmV0"`
}

// Empty is the body of an answer that says nothing.
type Empty struct{}

// EmptyOut is an answer that says nothing.
type EmptyOut struct{ Body Empty }

// SignUp takes a sign-up in. It answers the same for every address; what it is worth stands in the mail. With a
// challenge, it takes only those who passed it; without, nil, it asks for none.
func SignUp(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links, challenge Challenge) api.Operation {
	return api.New(api.Route{
		ID: "sign-up", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/signup", Audience: api.Public, Status: http.StatusAccepted,
		Summary: "Sign up", Purpose: purpose.AccountManagement,
		Description: "Nothing is made until the link in the mail is confirmed, within 30 minutes. The answer is the same whether the address has an account or not.",
		ExampleIn: SignUpBody{DateOfBirth: "1990-04-01", Name: "Ada Example", Email: "ada@example.com", Password: "a phrase that nobody else uses",
			Country: "DE", PolicyVersion: 1, PolicyHash: policy.Versions()[0].SHA256(), OrganizationName: "Example Studio"},
		ExampleOut: Empty{},
		Refusals: []api.Refusal{
			{Kind: problem.Forbidden, Code: "under_age", When: "The person is younger than 13, or said so before in this browser. Nothing is kept."},
			{Kind: problem.TooMany, Code: "too_many_attempts", When: "More than 500 sign-ups within an hour from one place."},
			{Kind: problem.Invalid, Code: "disposable_email", When: "The address lies in a domain of addresses that are thrown away."},
			tooCommon(),
		},
	}, func(ctx context.Context, c *api.Caller, in *SignUpIn) (*EmptyOut, error) {
		b := in.Body
		born, err := oldEnough(c, b.DateOfBirth)
		if err != nil {
			return nil, err
		}
		if err := ownAddress(b.Email); err != nil {
			return nil, err
		}
		v, err := policies.InEffect(ctx, st.BindPlatform(c.Actor()), c.Now)
		if err != nil {
			return nil, err
		}
		if b.PolicyVersion != v.Number {
			return nil, problem.InvalidField("body.policy_version", "not the version that is in effect")
		}
		if b.PolicyHash != v.SHA256() {
			return nil, problem.InvalidField("body.policy_hash", "not the hash of the version that is in effect")
		}
		if err := weak("body.password", b.Password, b.Email, b.Name, b.OrganizationName); err != nil {
			return nil, err
		}
		if err := fewSignUps(ctx, st, pseudonyms, c); err != nil {
			return nil, err
		}
		if challenge != nil {
			if err := challenge.Passed(ctx, b.Challenge, c.Source); err != nil {
				return nil, err
			}
		}
		s := &SignUpRequest{ID: api.NewID[id.SignUp](c), Name: b.Name, Email: b.Email, MailHash: account.HashOf(pseudonyms, b.Email),
			PasswordHash: password.Hash(b.Password), Country: b.Country, Region: b.Region, Organization: b.OrganizationName,
			Policy: v.Number, PolicyHash: v.SHA256(), Accepted: c.Now.Unix(), IP: privacy.Truncate(c.Source),
			TooYoung: !purpose.OldEnough(born, purpose.ConsentAge(b.Country), c.Now)}
		if err := takeIn(ctx, st, c, s, links); err != nil {
			return nil, err
		}
		return &EmptyOut{}, nil
	})
}

// ownAddress refuses at body.email what is no address, and one that nobody has for long.
func ownAddress(email string) error {
	normal := account.Normal(email)
	if normal == "" {
		return problem.InvalidField("body.email", "not an e-mail address")
	}
	if disposable.Address(normal) {
		err := problem.InvalidField("body.email", "an address that is made to be thrown away")
		err.Code = "disposable_email"
		return err
	}
	return nil
}

// meetings bounds how often a call meets another writer of the same row.
const meetings = 20

// takeIn writes a sign-up with its mail, unless the address has had its mails for now.
func takeIn(ctx context.Context, st *store.Store, c *api.Caller, s *SignUpRequest, links keys.Links) error {
	mark := keys.HashToken(links.Token(ConfirmPurpose, string(s.ID)))
	h := st.BindCase(mark, store.Actor{Who: string(s.ID), Request: c.Request})
	address := st.BindCase(s.MailHash, h.Actor())
	platform := st.BindPlatform(h.Actor())
	s.scope = h.Scope()
	s.Expire(c.Now.Add(signUpLife))
	for range meetings {
		marker, count := new(account.Address), &Letters{key: address.Scope().Key(FamilyLetters)}
		markers := &store.Fetch{Through: platform, Key: store.MailLookup(s.MailHash), Row: marker}
		counts := &store.Fetch{Through: address, Key: count.key, Row: count}
		if err := st.FetchAll(ctx, markers, counts); err != nil {
			return err
		}
		s.Of, s.Version = fresh, 0
		if markers.Err == nil {
			s.Of = known
		}
		tx := st.Begin()
		count.Last = s.ID
		if !count.next(tx, address, counts.Err, c.Now) {
			return nil
		}
		tx.Create(h, s)
		outbox.Queue(tx, h, MailConfirm, string(s.ID), nil)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return store.ErrConflict
}

// The cookie that remembers that the age check was not passed, without a date.
const (
	ageCookie    = "__Host-age"
	setAgeCookie = ageCookie + "=1; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Strict"
)

// leastAge is how old a person must be, in years.
const leastAge = 13

// oldEnough refuses a person under 13, and whoever said before in this browser that they are.
func oldEnough(c *api.Caller, birth string) (time.Time, error) {
	born, err := time.Parse(time.DateOnly, birth)
	if err != nil || born.After(c.Now) || born.Year() < 1900 {
		return born, problem.InvalidField("body.date_of_birth", "not a date of birth")
	}
	if c.Cookies[ageCookie] == "" && purpose.OldEnough(born, leastAge, c.Now) {
		return born, nil
	}
	c.SetCookie(setAgeCookie)
	return born, problem.Of(problem.Forbidden, "under_age", "PixelTrack is for people of 13 years and older.")
}
