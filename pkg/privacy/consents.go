package privacy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// ConsentBody is one act about a purpose.
type ConsentBody struct {
	ID            string    `json:"id" example:"con_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Purpose       string    `json:"purpose" example:"analytics"`
	Act           string    `json:"act" enum:"given,refused,withdrawn,objected"`
	At            time.Time `json:"at" doc:"The server's time."`
	PolicyVersion int       `json:"policy_version"`
	TextSHA256    string    `json:"text_sha256,omitempty" doc:"The hash of the text as it was served."`
	Locale        string    `json:"locale,omitempty"`
	Source        string    `json:"source"`
	IP            string    `json:"ip,omitempty" doc:"The address it came from, shortened."`
	Previous      string    `json:"previous,omitempty" doc:"The act before."`
}

func consentBody(c *Consent) ConsentBody {
	return ConsentBody{ID: string(c.ID), Purpose: c.Purpose, Act: string(c.Act), At: clock.At(c.At), PolicyVersion: c.PolicyVersion,
		TextSHA256: c.TextHash, Locale: c.Locale, Source: c.Source, IP: c.IP, Previous: string(c.Previous)}
}

func exampleConsent() ConsentBody {
	text, _ := purpose.Current(purpose.Analytics, purpose.DefaultLocale)
	return ConsentBody{ID: "con_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Purpose: purpose.Analytics, Act: string(Given),
		At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), PolicyVersion: 1, TextSHA256: text.SHA256(), Locale: "en", Source: "screen", IP: "192.0.2.0/24"}
}

// ConsentChoice is what a person can agree to, and has done so far.
type ConsentChoice struct {
	Purpose    string        `json:"purpose"`
	Title      string        `json:"title"`
	Agreed     bool          `json:"agreed" doc:"Whether the purpose may go on now. Where the browser says that the person opted out, it may not."`
	MayAsk     bool          `json:"may_ask" doc:"Whether the person may be asked now: not when they have agreed or their browser says that they opted out, and not before ask_again_at."`
	AskAgain   *time.Time    `json:"ask_again_at,omitempty" doc:"12 months after the person said no."`
	Text       string        `json:"text" doc:"The text to show when you ask."`
	TextSHA256 string        `json:"text_sha256" doc:"Its hash; send it with the answer."`
	Locale     string        `json:"locale"`
	History    []ConsentBody `json:"history" doc:"Every act, newest first."`
}

// ConsentsIn asks in which language the texts are wanted.
type ConsentsIn struct {
	Locale string `query:"locale" default:"en" maxLength:"35" doc:"A BCP 47 language tag."`
}

// ConsentsOut is the answer of list-consents.
type ConsentsOut struct{ Body api.List[ConsentChoice] }

// ListConsents shows what the caller may agree to and what they did.
func ListConsents() api.Operation {
	text, _ := purpose.Current(purpose.Analytics, purpose.DefaultLocale)
	return api.New(api.Route{
		ID: "list-consents", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/consents", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your consents, with the texts to ask for them", Purpose: purpose.PrivacyRights,
		ExampleOut: api.List[ConsentChoice]{Data: []ConsentChoice{{Purpose: purpose.Analytics, Title: "Usage analytics", Agreed: true,
			Text: text.Body, TextSHA256: text.SHA256(), Locale: "en", History: []ConsentBody{exampleConsent()}}}},
	}, func(ctx context.Context, c *api.Caller, in *ConsentsIn) (*ConsentsOut, error) {
		acts, err := allConsents(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		out := &ConsentsOut{Body: api.List[ConsentChoice]{Data: []ConsentChoice{}}}
		for _, p := range purpose.All() {
			text, asked := purpose.Current(p.ID, in.Locale)
			choice := ConsentChoice{Purpose: p.ID, Title: p.Title, Text: text.Body, Locale: text.Locale, History: []ConsentBody{}}
			if asked {
				choice.TextSHA256 = text.SHA256()
			}
			var newest *Consent
			for _, a := range acts {
				if a.Purpose == p.ID {
					if newest == nil {
						newest = a
					}
					choice.History = append(choice.History, consentBody(a))
				}
			}
			again, signalled := newest.askAgainAt(), c.OptedOut && slices.Contains(purpose.OptOut(), p.ID)
			choice.Agreed = newest.Live() && !signalled
			choice.MayAsk = asked && !newest.Live() && !signalled && !again.After(c.Now)
			choice.AskAgain = clock.Moment(clock.Epoch(again))
			if asked || len(choice.History) > 0 {
				out.Body.Data = append(out.Body.Data, choice)
			}
		}
		return out, nil
	})
}

// allConsents reads every act of a person, newest first within a purpose.
func allConsents(ctx context.Context, h holder) ([]*Consent, error) {
	var all []*Consent
	q := store.Query{Partition: h.Scope().Partition(FamilyConsent), Descending: true, Limit: 200}
	for c, err := range store.All[Consent](ctx, h, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// newestActs are those acts of a person that count, by purpose.
func newestActs(ctx context.Context, h holder) (map[string]*Consent, error) {
	acts, err := allConsents(ctx, h)
	if err != nil {
		return nil, err
	}
	newest := map[string]*Consent{}
	for _, a := range acts {
		if newest[a.Purpose] == nil {
			newest[a.Purpose] = a
		}
	}
	return newest, nil
}

// ConsentIn is the input of create-consent.
type ConsentIn struct {
	Body struct {
		Purpose    string `json:"purpose" doc:"A purpose that rests on consent." example:"analytics"`
		Act        string `json:"act" enum:"given,refused" doc:"What the person chose."`
		TextSHA256 string `json:"text_sha256" pattern:"^[0-9a-f]{64}$" doc:"The hash of the text that was shown, from list-consents."`
		Source     string `json:"source,omitempty" enum:"screen,api" default:"api" doc:"Where the person chose."`
		Birth      string `json:"date_of_birth,omitempty" format:"date" doc:"Of somebody who was too young to agree when they signed up: asked once more, and not kept."`
	}
}

// ConsentOut is the answer of create-consent and withdraw-consent.
type ConsentOut struct{ Body ConsentBody }

// CreateConsent records that the caller agreed to a purpose or refused it.
func CreateConsent(st *store.Store) api.Operation {
	example := ConsentIn{}.Body
	example.Purpose, example.Act, example.TextSHA256, example.Source = purpose.Analytics, string(Given), exampleConsent().TextSHA256, "screen"
	return api.Replayable(api.Route{
		ID: "create-consent", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/consents", Audience: api.Users, Rights: true,
		Status: http.StatusCreated, Summary: "Agree to a purpose, or refuse it", Purpose: purpose.PrivacyRights,
		Description: "Acts are appended and never changed. The hash proves which words the person saw.",
		Audit:       true, ExampleIn: example, ExampleOut: exampleConsent(),
		Refusals: []api.Refusal{{Kind: problem.Forbidden, Code: "too_young", When: "The person is too young to agree for themself where they live: younger than 13 to 16. From 16 on they say date_of_birth."},
			{Kind: problem.Conflict, Code: "consent_changed", When: "Another act about this purpose came at the same time."}},
	}, func(ctx context.Context, c *api.Caller, in *ConsentIn) (*ConsentOut, error) {
		b := in.Body
		if p, ok := purpose.Of(b.Purpose); !ok || p.Basis != registry.Consent || !slices.Contains(purpose.Asked(), b.Purpose) {
			return nil, problem.InvalidField("body.purpose", "not a purpose that consent is asked for")
		}
		text, ok := purpose.Served(b.Purpose, b.TextSHA256)
		if !ok {
			return nil, problem.InvalidField("body.text_sha256", "not the hash of a text that is served for this purpose")
		}
		tx := st.Begin()
		if Act(b.Act) == Given {
			if err := grown(tx, c, b.Birth); err != nil {
				return nil, err
			}
			if slices.Contains(purpose.OptOut(), b.Purpose) {
				c.ForgetOptOut()
			}
		}
		return act(ctx, tx, c, &Consent{Purpose: b.Purpose, Act: Act(b.Act), TextHash: text.SHA256(), TextVersion: text.Version,
			Locale: text.Locale, Source: b.Source})
	}, func(ctx context.Context, c *api.Caller, made string) (*ConsentOut, error) {
		acts, err := allConsents(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		for _, a := range acts {
			if string(a.ID) == made {
				return &ConsentOut{consentBody(a)}, nil
			}
		}
		return nil, problem.Missing("consent")
	})
}

// PurposeIn names a purpose.
type PurposeIn struct {
	Purpose string `path:"purpose" maxLength:"64" doc:"The purpose." example:"analytics"`
}

// WithdrawConsent takes a consent back. It counts from the next call on; what was done before stays lawful.
func WithdrawConsent(st *store.Store) api.Operation {
	example := exampleConsent()
	example.Act, example.TextSHA256, example.Locale = string(TakenBack), "", ""
	return api.New(api.Route{
		ID: "withdraw-consent", Area: "privacy", Method: http.MethodDelete, Path: "/v1/privacy/consents/{purpose}", Audience: api.Users, Rights: true,
		Summary: "Take a consent back", Purpose: purpose.PrivacyRights, Audit: true, ExampleOut: example,
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "consent_not_found", When: "There is no consent to this purpose that counts."},
			{Kind: problem.Conflict, Code: "consent_changed", When: "Another act about this purpose came at the same time."}},
	}, func(ctx context.Context, c *api.Caller, in *PurposeIn) (*ConsentOut, error) {
		before, err := Choice(ctx, c.Self, in.Purpose)
		if err != nil {
			return nil, err
		}
		if !before.Live() {
			return nil, problem.Missing("consent")
		}
		return actAfter(ctx, st.Begin(), c, &Consent{Purpose: in.Purpose, Act: TakenBack, Source: "api"}, before)
	})
}

// grown refuses somebody who was too young to agree for themself, until they say that they are as old as the law asks
// anywhere; the mark then goes with the transaction.
func grown(tx *store.Tx, c *api.Caller, birth string) error {
	if !c.Account.TooYoung {
		return nil
	}
	born, err := time.Parse(time.DateOnly, birth)
	if err != nil || !purpose.OldEnough(born, purpose.EveryonesAge, c.Now) {
		return problem.Of(problem.Forbidden, "too_young", "You are not old enough yet to agree to this yourself.")
	}
	tx.Change(c.Self, access.UserGateKey(c.User), func(u *dynamo.Update) { u.Remove("too_young") })
	return nil
}

func act(ctx context.Context, tx *store.Tx, c *api.Caller, a *Consent) (*ConsentOut, error) {
	before, err := Choice(ctx, c.Self, a.Purpose)
	if err != nil {
		return nil, err
	}
	return actAfter(ctx, tx, c, a, before)
}

func actAfter(ctx context.Context, tx *store.Tx, c *api.Caller, a, before *Consent) (*ConsentOut, error) {
	v, err := policies.InEffect(ctx, c.Self.Store().BindPlatform(c.Actor()), c.Now)
	if err != nil {
		return nil, err
	}
	a.PolicyVersion, a.IP = v.Number, Truncate(c.Source)
	appendAct(tx, c.Self, a, before)
	err = c.Commit(ctx, tx, string(a.ID))
	if errors.Is(err, store.ErrStale) {
		return nil, problem.Of(problem.Conflict, "consent_changed", "Another choice about this purpose came at the same time; read it again.")
	}
	if err != nil {
		return nil, err
	}
	return &ConsentOut{consentBody(a)}, nil
}
