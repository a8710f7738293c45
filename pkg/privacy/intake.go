package privacy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"
	"github.com/oklog/ulid/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// FreshSession is how long after its login a session is proof enough for a request that discloses, corrects or erases
// (CCPA regulations §7061 asks for signing in again).
const FreshSession = 12 * time.Hour

// DailyRequests is how many requests a person may make in 24 hours.
const DailyRequests = 10

// Templates of the mails about requests. Their ids name the case, the kind and dates.
const (
	MailReceived  = "privacy_request_received"
	MailAnswered  = "privacy_request_answered"
	MailDenied    = "privacy_request_denied"
	MailExtended  = "privacy_request_extended"
	MailForwarded = "privacy_request_forwarded"
	MailDisclosed = "legal_disclosure"        // something was handed to an authority
	MailErasure   = "privacy_request_erasing" // the last mail, sent before the address goes
	MailCode      = "privacy_request_code"
	MailClarified = "privacy_request_clarified" // an unclear request has become clear

	MailChildConfirm = "child_report_confirm" // to who reports a child's account
	MailChildFrozen  = "child_report_frozen"  // to the account
	MailChildThawed  = "child_report_thawed"
)

// fresh says whether the session was begun by a login not long ago; its id tells when.
func fresh(s id.Session, now time.Time) bool {
	u, err := ulid.ParseStrict(string(s)[len(id.PrefixSession)+1:])
	return err == nil && now.Sub(ulid.Time(u.Time())) <= FreshSession
}

// needsFresh says whether a live session alone is not proof enough.
func needsFresh(k request.Kind) bool {
	return k.Discloses() || k.Destroys() || k == request.Rectification
}

// RequestIn is the input of create-request.
type RequestIn struct {
	Body struct {
		Type        string `json:"type" enum:"access,portability,know_categories,know_specific,rectification,erasure,restriction,restriction_lift,objection,consent_withdrawal,opt_out,limit" doc:"What you ask for. One right each; make a request for each of several."`
		Description string `json:"description,omitempty" maxLength:"4000" doc:"What you want, in your own words."`
		Purpose     string `json:"purpose,omitempty" maxLength:"64" doc:"Of an objection or a withdrawal of consent: which purpose; without it all."`
		AtOnce      bool   `json:"at_once,omitempty" doc:"Of an erasure: do it now. Otherwise it is done shortly before the answer is due, and can be withdrawn until then."`
	}
}

// RequestOut is the answer of the routes about one request.
type RequestOut struct {
	api.Tagged
	Body RequestBody
}

// CreateRequest files a data subject request. It is never refused for a plan, a debt, a suspension or a restriction.
func CreateRequest(st *store.Store) api.Operation {
	example := RequestIn{}.Body
	example.Type, example.Description = "access", "Everything you hold on me, please."
	return api.Replayable(api.Route{
		ID: "create-request", Area: "privacy", Method: http.MethodPost, Path: "/v1/dsr", Audience: api.Users, Rights: true, Audit: true,
		Status: http.StatusCreated, Summary: "Make a request about your personal data", Purpose: purpose.PrivacyRights,
		Description: "The answer is owed by due_at, and derivation says how that date was found. Restriction, objection, " +
			"withdrawal of consent and opt-out take effect with the call.",
		ExampleIn: example, ExampleOut: exampleRequest(),
		Refusals: append(fileRefusals(),
			api.Refusal{Kind: problem.Conflict, Code: "request_open", When: "A request of this kind is open already; details.id names it."}),
	}, func(ctx context.Context, c *api.Caller, in *RequestIn) (*RequestOut, error) {
		if err := judge(in); err != nil {
			return nil, err
		}
		r, err := file(ctx, st, c, request.Kind(in.Body.Type), func(r *Request, _ map[string]*Consent) error {
			r.Description, r.PurposeOf, r.AtOnce = in.Body.Description, in.Body.Purpose, in.Body.AtOnce
			return nil
		})
		if err != nil {
			return nil, err
		}
		return show(r), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*RequestOut, error) {
		r, err := find(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return show(r), nil
	})
}

// file files a request of the caller, with what takes effect at once. Fill puts in what the person said of it, and may refuse
// it for the acts that count so far, by purpose, which it knows of a request that adds to them.
func file(ctx context.Context, st *store.Store, c *api.Caller, k request.Kind, fill func(r *Request, newest map[string]*Consent) error) (*Request, error) {
	if err := room(ctx, c, k); err != nil {
		return nil, err
	}
	where, err := residence(ctx, c.Self)
	if err != nil {
		return nil, err
	}
	var newest map[string]*Consent
	if atOnce(k) {
		if newest, err = newestActs(ctx, c.Self); err != nil {
			return nil, err
		}
	}
	r := newRequest(st, c.Self, c.Now, k, where)
	if err := fill(r, newest); err != nil {
		return nil, err
	}
	tx := st.Begin()
	if err := begin(ctx, tx, c, r, newest); err != nil {
		return nil, err
	}
	r.open(tx, c.Self)
	err = c.Commit(ctx, tx, string(r.ID))
	if errors.Is(err, store.ErrStale) {
		return nil, problem.Of(problem.Conflict, "consent_changed", "Another choice came at the same time; try again.")
	}
	return r, err
}

func fileRefusals() []api.Refusal {
	return []api.Refusal{
		{Kind: problem.TooMany, Code: "too_many_requests", When: "More than 10 requests within 24 hours."},
		{Kind: problem.Conflict, Code: "consent_changed", When: "Another act about the same purpose came at the same time."},
	}
}

// judge refuses input that makes no sense for its kind.
func judge(in *RequestIn) error {
	b := in.Body
	k := request.Kind(b.Type)
	if b.AtOnce && k != request.Erasure {
		return problem.InvalidField("body.at_once", "only an erasure can be asked for at once")
	}
	if k == request.Rectification && b.Description == "" {
		return problem.InvalidField("body.description", "say what is wrong and what is right")
	}
	if b.Purpose == "" {
		return nil
	}
	p, ok := purpose.Of(b.Purpose)
	switch {
	case k != request.Objection && k != request.ConsentWithdrawal:
		return problem.InvalidField("body.purpose", "only an objection or a withdrawal of consent names a purpose")
	case !ok || k == request.Objection && !p.Objectable || k == request.ConsentWithdrawal && p.Basis != registry.Consent:
		return problem.InvalidField("body.purpose", "not a purpose of the register that this can be about")
	}
	return nil
}

// room refuses a request when there are too many, or when one of its kind is open.
func room(ctx context.Context, c *api.Caller, k request.Kind) error {
	recent, err := recentOf(ctx, c.Self)
	if err != nil {
		return err
	}
	today := 0
	for _, r := range recent {
		if r.Received > c.Now.Add(-24*time.Hour).Unix() && !r.Processor {
			today++
		}
	}
	if today >= DailyRequests {
		e := problem.Of(problem.TooMany, "too_many_requests", "That is more than %d requests within a day; write to privacy@pixeltrack.io if you need more.", DailyRequests)
		e.After = 24 * time.Hour
		return e
	}
	for _, r := range recent {
		if r.Kind == k && r.State.Open() && !r.Processor && (k.Discloses() || k.Destroys()) {
			e := problem.Of(problem.Conflict, "request_open", "A request of this kind is open already.")
			e.Details = map[string]any{"id": string(r.ID)}
			return e
		}
	}
	return nil
}

// newRequest makes a request that has just arrived, with its dates.
func newRequest(st *store.Store, h holder, now time.Time, k request.Kind, where clocks.Residence) *Request {
	d := clocks.Derive(clocks.Intake{Kind: k, Received: now, Regimes: clocks.Regimes(where)})
	r := &Request{ID: id.New[id.Case](st.IDs()), Kind: k, State: request.Received, Channel: channelAPI, Country: where.Country, Region: where.Region,
		Received: now.Unix(), Due: d.Due.Unix(), Steps: stepsOf(d.Steps), Acknowledge: stepsOf(d.Acknowledge), Next: now.Unix(), scope: h.Scope()}
	r.note(now, "submitted", "")
	return r
}

// begin takes a request as far as the call itself can: who asks is settled, and what takes effect when it arrives does.
func begin(ctx context.Context, tx *store.Tx, c *api.Caller, r *Request, newest map[string]*Consent) error {
	if needsFresh(r.Kind) && !fresh(c.Session, c.Now) {
		return r.happen(request.Event{Type: request.IdentityDoubted, At: c.Now})
	}
	if err := r.happen(request.Event{Type: request.IdentityClear, At: c.Now, Fresh: true}); err != nil {
		return err
	}
	if !atOnce(r.Kind) {
		return nil
	}
	if err := effect(ctx, tx, c.Self, r, newest, "request", Truncate(c.Source)); err != nil {
		return err
	}
	if r.Kind == request.Restriction || r.Kind == request.Objection && weighed(r.PurposeOf) {
		return nil // it counts from now on; the worker tells the organisations, or people weigh whether it stands
	}
	return r.done(c.Now)
}

// weighed says whether an objection to a purpose must be weighed against a legitimate interest; those to consent and to
// marketing need not.
func weighed(id string) bool {
	if id == "" {
		return true
	}
	p, _ := purpose.Of(id)
	return p.Basis == registry.Interest
}

// atOnce says whether a request takes effect with the call that makes it.
func atOnce(k request.Kind) bool { return k.Immediate() && !k.Destroys() }

// effect adds what takes effect at once to the transaction, after the acts that count so far. Source and ip say where the
// act came from.
func effect(ctx context.Context, tx *store.Tx, h holder, r *Request, newest map[string]*Consent, source, ip string) error {
	if user, ok := h.Scope().User(); ok && r.Kind == request.Restriction {
		tx.Change(h, access.UserGateKey(user), func(u *dynamo.Update) { u.Set("restrict", true).Set("restricted_by", r.ID) })
		return nil
	}
	v, err := policies.InEffect(ctx, h.Store().BindPlatform(h.Actor()), h.Now())
	if err != nil {
		return err
	}
	object(tx, h, r, newest, Consent{Source: source, PolicyVersion: v.Number, IP: ip})
	return nil
}

// object adds the acts of an objection, an opt-out or a withdrawal of consent after those that count so far. What they have in
// common is given.
func object(tx *store.Tx, h holder, r *Request, newest map[string]*Consent, common Consent) {
	for _, p := range about(r) {
		before, a := newest[p], common
		a.Purpose, a.Act = p, Objected
		if r.Kind == request.ConsentWithdrawal {
			if !before.Live() {
				continue
			}
			a.Act = TakenBack
		}
		appendAct(tx, h, &a, before)
	}
}

// about lists the purposes that an immediate request is about.
func about(r *Request) []string {
	var all []string
	for _, p := range purpose.All() {
		switch {
		case r.PurposeOf != "" && p.ID != r.PurposeOf:
		case r.Kind == request.ConsentWithdrawal && p.Basis == registry.Consent,
			r.Kind == request.Objection && p.Objectable,
			(r.Kind == request.OptOut || r.Kind == request.Limit) && slices.Contains(purpose.OptOut(), p.ID):
			all = append(all, p.ID)
		}
	}
	return all
}
