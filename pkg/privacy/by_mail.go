package privacy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyCode holds the codes that are mailed to who asks without an account.
const FamilyCode store.Family = "MAILEDCODE"

const (
	// CodeLife is how long a mailed code works, CodeTries how often it may be tried, and Codes how many are mailed within
	// an hour.
	CodeLife  = 10 * time.Minute
	CodeTries = 5
	Codes     = 3

	codeDigits = 8

	// requestsFrom is how many requests without an account are taken from one network within an hour: each writes to
	// somebody.
	requestsFrom = 100
)

// Code is a code that was mailed to who asks, to show that the address is theirs. The row holds what the code is derived
// from with a secret that is not in the table. It stays for an hour, to count.
type Code struct {
	store.Meta
	Case  id.Case    `dynamo:"case"`
	Seed  id.Message `dynamo:"seed,omitempty"` // empty when the code was used
	Until int64      `dynamo:"until"`          // epoch seconds
	Tries int        `dynamo:"tries,omitempty"`
	Sent  int        `dynamo:"sent"`
	scope store.Scope
}

// Type is the row's type.
func (c *Code) Type() string { return "MAILED_CODE" }

// Keys puts the code of a request with who asks.
func (c *Code) Keys() store.Keys {
	if c.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: c.PK, SK: c.SK}}
	}
	return store.Keys{Primary: codeKey(c.scope, c.Case)}
}

func codeKey(s store.Scope, c id.Case) store.Key { return s.Key(FamilyCode, string(c)) }

// The purposes that secrets of these requests are derived for.
const (
	passPurpose = "request-by-mail"
	codePurpose = "request-code"
)

// Pass is what the link in a mail about a correspondent's request carries: whose it is and which, and the proof that the link
// is ours. With it a code can be asked for, and nothing else.
func Pass(links keys.Links, hash string, c id.Case) string {
	return hash + "." + string(c) + "." + links.Short(passPurpose, store.Join(hash, string(c)))
}

func readPass(links keys.Links, text string) (hash string, c id.Case, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", "", false
	}
	c, err := id.Parse[id.Case](parts[1])
	return parts[0], c, err == nil && links.CheckShort(parts[2], passPurpose, store.Join(parts[0], parts[1]))
}

// CodeOf is the code that a mail tells.
func CodeOf(links keys.Links, seed string) string { return links.Digits(codePurpose, seed, codeDigits) }

// ByMailIn is the input of create-mail-request.
type ByMailIn struct {
	Body struct {
		Email       string `json:"email" maxLength:"254" doc:"Where the answer goes; a code mailed there shows that you are who asks." example:"ada@example.com"`
		Name        string `json:"name,omitempty" maxLength:"100" example:"Ada Example"`
		Type        string `json:"type" enum:"access,portability,know_categories,know_specific,rectification,erasure,restriction,restriction_lift,objection,consent_withdrawal,opt_out,limit" doc:"What you ask for. One right each; make a request for each of several."`
		Description string `json:"description,omitempty" maxLength:"4000" doc:"What you want, in your own words."`
		Country     string `json:"country,omitempty" pattern:"^[A-Z]{2}$" doc:"Where you live: ISO 3166-1 alpha-2. Without it every law counts, and the earliest date." example:"DE"`
		Agent       *Agent `json:"agent,omitempty" doc:"If you ask for somebody else as their authorized agent; the rest is about them."`
		Region      string `json:"region,omitempty" pattern:"^[A-Z0-9]{1,3}$" doc:"The part of the country: ISO 3166-2 without the country."`
	}
}

// ByMailBody is a request as it was taken in.
type ByMailBody struct {
	ID          id.Case       `json:"id" example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Type        string        `json:"type"`
	Role        string        `json:"role" enum:"controller"`
	State       string        `json:"state" enum:"identity_pending,verified"`
	ReceivedAt  time.Time     `json:"received_at"`
	DueAt       time.Time     `json:"due_at" doc:"When the answer is owed at the latest."`
	Derivation  []RequestStep `json:"derivation" doc:"How due_at was found: the earliest of these."`
	Acknowledge []RequestStep `json:"acknowledge_by,omitempty"`
	Pass        string        `json:"pass,omitempty" doc:"With it a code can be asked for. It is shown once, and stands in the link of the mail; an agent gets none."`
}

// ByMailOut is the answer of create-mail-request.
type ByMailOut struct{ Body ByMailBody }

const examplePass = "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a.dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.abcdefghijklmnopqrstuvwxyz"

// CreateMailRequest files a data subject request of somebody who has no session: who has only written to us, or cannot log in.
func CreateMailRequest(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links) api.Operation {
	in := ByMailIn{}.Body
	in.Email, in.Name, in.Type, in.Description = "ada@example.com", "Ada Example", "access", "Everything you hold on me, please."
	e := exampleRequest()
	return api.New(api.Route{
		ID: "create-mail-request", Area: "privacy", Method: http.MethodPost, Path: "/v1/dsr/mail", Audience: api.Public, Status: http.StatusCreated,
		Summary: "Make a request about your personal data without an account", Purpose: purpose.PrivacyRights,
		Description: "For who has written to support, or cannot log in. The answer is the same whether the address is known or not. Nothing is disclosed, " +
			"corrected or erased before a code that is mailed to the address was shown, or, if it has an account, its person has logged in. " +
			"Opting out and withdrawing consent need neither. An authorized agent may ask for somebody (CCPA regulations §7063): the mail goes to the person, who confirms as if they had asked themself, " +
			"and says whether the agent is told of the outcome; until then nothing goes to the agent, and data never does.",
		ExampleIn: in, ExampleOut: ByMailBody{ID: id.Case(e.ID), Type: e.Type, Role: e.Role, State: "identity_pending", ReceivedAt: e.ReceivedAt, DueAt: e.DueAt, Derivation: e.Derivation, Pass: examplePass},
		Refusals: []api.Refusal{{Kind: problem.TooMany, Code: "too_many_requests", When: "More than 5 requests for the address within 24 hours."},
			{Kind: problem.TooMany, Code: "too_many_attempts", When: "More than 100 requests from one network within an hour."}},
	}, func(ctx context.Context, c *api.Caller, in *ByMailIn) (*ByMailOut, error) {
		address := account.Normal(in.Body.Email)
		if address == "" {
			return nil, problem.InvalidField("body.email", "not an e-mail address")
		}
		if in.Body.Type == string(request.Rectification) && in.Body.Description == "" {
			return nil, problem.InvalidField("body.description", "say what is wrong and what is right")
		}
		if err := in.Body.Agent.check(request.Kind(in.Body.Type), address); err != nil {
			return nil, err
		}
		from := guard.New(st, pseudonyms, store.Actor{Who: "mail-request", Request: c.Request}, "mail-request", "", Truncate(c.Source))
		if err := from.Within(requestsFrom, time.Hour).Attempt(ctx); err != nil {
			return nil, err
		}
		f := Filing{From: address, Name: strings.TrimSpace(in.Body.Name), Description: in.Body.Description, Where: clocks.Residence{Country: in.Body.Country, Region: in.Body.Region}, Agent: in.Body.Agent}
		for range meetings {
			r, err := filed(ctx, st, store.Actor{Request: c.Request}, pseudonyms, request.Kind(in.Body.Type), f)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out := &ByMailOut{ByMailBody{ID: r.ID, Type: string(r.Kind), Role: "controller", State: string(r.State), ReceivedAt: clock.At(r.Received), DueAt: clock.At(r.Due),
				Derivation: requestSteps(r.Steps), Acknowledge: requestSteps(r.Acknowledge)}}
			if in.Body.Agent == nil {
				out.Body.Pass = Pass(links, correspondents.HashOf(pseudonyms, address), r.ID)
			}
			return out, nil
		}
		return nil, store.ErrConflict
	})
}

// filed writes a request that came without a session.
func filed(ctx context.Context, st *store.Store, actor store.Actor, pseudonyms keys.Pseudonyms, k request.Kind, f Filing) (*Request, error) {
	mailbox := st.BindCase(correspondents.HashOf(pseudonyms, f.From), actor)
	count, _, err := correspondents.CountIn(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	if !count.Answer() {
		e := problem.Of(problem.TooMany, "too_many_requests", "That is more than %d requests for one address within a day; write to privacy@pixeltrack.io if you need more.", correspondents.DailyAnswers)
		e.After = 24 * time.Hour
		return nil, e
	}
	h, err := Asker(ctx, st, actor, pseudonyms, f.From)
	if err != nil {
		return nil, err
	}
	r, err := arrive(h, channelForm, k, f)
	if err != nil {
		return nil, err
	}
	tx := st.Begin()
	r.open(tx, h)
	if err := known(ctx, tx, h, f); err != nil {
		return nil, err
	}
	count.Save(tx, mailbox)
	return r, tx.Commit(ctx)
}

// PassIn is the input of create-request-code.
type PassIn struct {
	Body struct {
		Pass string `json:"pass" minLength:"1" maxLength:"200" doc:"From the answer that the request got, or from the link in the mail about it." example:"4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a.dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.abcdefghijklmnopqrstuvwxyz"`
	}
}

// Mailed is an answer that says nothing.
type Mailed struct{}

// MailedOut is the answer of create-request-code.
type MailedOut struct{ Body Mailed }

// CreateRequestCode mails a code to who made a request without an account.
func CreateRequestCode(st *store.Store, links keys.Links) api.Operation {
	in := PassIn{}.Body
	in.Pass = examplePass
	return api.New(api.Route{
		ID: "create-request-code", Area: "privacy", Method: http.MethodPost, Path: "/v1/dsr/mail/code", Audience: api.Public, Status: http.StatusAccepted,
		Summary: "Have a code mailed that opens your request", Purpose: purpose.PrivacyRights,
		Description: "The code works for 10 minutes, once, and may be tried 5 times. At most 3 are mailed within an hour; beyond that the answer is the same. " +
			"A request of an address with an account is opened by logging in, and gets no code.",
		ExampleIn: in, ExampleOut: Mailed{}, Refusals: []api.Refusal{noPass()},
	}, func(ctx context.Context, c *api.Caller, in *PassIn) (*MailedOut, error) {
		hash, cid, ok := readPass(links, in.Body.Pass)
		if !ok {
			return nil, problem.Missing("request")
		}
		for range meetings {
			err := mailCode(ctx, st, st.BindCase(hash, store.Actor{Request: c.Request}), cid)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			return &MailedOut{}, err
		}
		return nil, store.ErrConflict
	})
}

func noPass() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "request_not_found", When: "The pass is not one of ours, or the request has gone."}
}

// mailCode replaces the code of a request by a new one and queues its mail.
func mailCode(ctx context.Context, st *store.Store, h *store.Case, c id.Case) error {
	h.SeeRestricted()
	r, code := new(Request), &Code{Case: c, scope: h.Scope()}
	fetches := []*store.Fetch{{Through: h, Key: requestKey(h.Scope(), c), Row: r}, {Through: h, Key: codeKey(h.Scope(), c), Row: code}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return err
	}
	if errors.Is(fetches[1].Err, store.ErrMissing) {
		code = &Code{Case: c, scope: h.Scope()} // one that has expired was read all the same
	}
	if fetches[0].Err != nil || code.Sent >= Codes {
		return nil // it lies with an account, or has gone, or there were enough
	}
	now := h.Now()
	code.Seed, code.Until, code.Tries, code.Sent = id.New[id.Message](st.IDs()), now.Add(CodeLife).Unix(), 0, code.Sent+1
	tx := st.Begin()
	if fetches[1].Err != nil {
		code.Expire(now.Add(time.Hour))
		tx.Create(h, code).Else(store.ErrStale)
	} else {
		tx.Replace(h, code)
	}
	outbox.Queue(tx, h, MailCode, store.Join(string(c), string(code.Seed)), map[string]string{"case": string(c), "seed": string(code.Seed)})
	return tx.Commit(ctx)
}

// OpenIn is the input of open-mail-request.
type OpenIn struct {
	Body struct {
		Pass string `json:"pass" minLength:"1" maxLength:"200" example:"4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a.dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.abcdefghijklmnopqrstuvwxyz"`
		Code string `json:"code" pattern:"^[0-9]{8}$" doc:"As it was mailed." example:"12345678"`
		Type string `json:"type,omitempty" enum:"access,portability,know_categories,know_specific,rectification,erasure,restriction,restriction_lift,objection,consent_withdrawal,opt_out,limit" doc:"Of a request that is unclear: what you ask for."`

		Share *bool `json:"share_with_agent,omitempty" doc:"Of a request that an agent made for you: whether they are told that you confirmed it, and how it ends. They get no data either way. Absent changes nothing; at first they are told nothing."`
	}
}

// OpenBody is a request with what was made for it.
type OpenBody struct {
	RequestBody
	Download *DownloadBody `json:"download,omitempty" doc:"A link to the package, when it is ready. For another one open the request again."`
}

// OpenOut is the answer of open-mail-request.
type OpenOut struct{ Body OpenBody }

// OpenMailRequest opens a request with a code that was mailed: that settles who asks, and shows how far the request is.
func OpenMailRequest(st *store.Store, packages Linker, links keys.Links) api.Operation {
	in := OpenIn{}.Body
	in.Pass, in.Code = examplePass, "12345678"
	return api.New(api.Route{
		ID: "open-mail-request", Area: "privacy", Method: http.MethodPost, Path: "/v1/dsr/mail/open", Audience: api.Public,
		Summary: "Open your request with a code", Purpose: purpose.PrivacyRights,
		Description: "Shows that the address is yours, which lets work on the request begin, and shows how far it is, with a link of minutes to its package once there is one. Each code opens it once.",
		ExampleIn:   in, ExampleOut: OpenBody{RequestBody: exampleRequest()},
		Refusals: []api.Refusal{noPass(),
			{Kind: problem.Forbidden, Code: "code_invalid", When: "The code is wrong, was used, is older than 10 minutes, or was tried 5 times."}},
	}, func(ctx context.Context, c *api.Caller, in *OpenIn) (*OpenOut, error) {
		hash, cid, ok := readPass(links, in.Body.Pass)
		if !ok {
			return nil, problem.Missing("request")
		}
		o := &opening{st: st, h: st.BindCase(hash, store.Actor{Request: c.Request}), c: cid, packages: packages, links: links, now: c.Now}
		o.h.SeeRestricted()
		for range meetings {
			out, err := o.open(ctx, in.Body.Code, request.Kind(in.Body.Type), in.Body.Share)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			return out, err
		}
		return nil, store.ErrConflict
	})
}

// opening is one try to open a request with a code.
type opening struct {
	st       *store.Store
	h        *store.Case
	c        id.Case
	packages Linker
	links    keys.Links
	now      time.Time
}

func (o *opening) open(ctx context.Context, shown string, k request.Kind, share *bool) (*OpenOut, error) {
	refused := problem.Of(problem.Forbidden, "code_invalid", "The code is not valid; ask for another one.")
	r, code := new(Request), &Code{Case: o.c, scope: o.h.Scope()}
	fetches := []*store.Fetch{{Through: o.h, Key: requestKey(o.h.Scope(), o.c), Row: r}, {Through: o.h, Key: codeKey(o.h.Scope(), o.c), Row: code}}
	if err := o.st.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	if fetches[0].Err != nil || fetches[1].Err != nil || code.Seed == "" || code.Until <= o.now.Unix() || code.Tries >= CodeTries {
		return nil, refused
	}
	tx := o.st.Begin()
	if !o.links.CheckDigits(shown, codePurpose, string(code.Seed), codeDigits) {
		code.Tries++
		tx.Replace(o.h, code)
		if err := tx.Commit(ctx); err != nil {
			return nil, err
		}
		return nil, refused
	}
	code.Seed = ""
	tx.Replace(o.h, code)
	was := r.Next
	if err := r.proved(k, o.now); err != nil {
		return nil, err
	}
	r.share(tx, o.h, share)
	r.save(tx, o.h, was)
	out := &OpenOut{OpenBody{RequestBody: requestBody(r)}}
	if r.PackageUntil <= o.now.Unix() {
		return out, tx.Commit(ctx)
	}
	p, err := store.Get[Package](ctx, o.h, PackageKey(o.h.Scope(), r.Package))
	if errors.Is(err, store.ErrMissing) {
		return out, tx.Commit(ctx)
	}
	if err != nil {
		return nil, err
	}
	link, err := fetched(ctx, o.now, o.packages, p, string(r.ID), tx, o.h, func() error { return tx.Commit(ctx) })
	if err != nil {
		return nil, err
	}
	out.Body.Download = &link.Body
	return out, nil
}

// proved lets work on a request begin once its person has shown that the address is theirs, and an unclear one become what
// they say that it is about.
func (r *Request) proved(k request.Kind, now time.Time) error {
	if r.Kind == request.Unclear && k != "" && request.May(r.State, request.Clarified) {
		if err := r.clarify(k, now); err != nil {
			return err
		}
		return r.settle(true, now)
	}
	if r.State != request.IdentityPending {
		return nil
	}
	r.Next = now.Unix()
	return r.happen(request.Event{Type: request.IdentityPassed, At: now})
}
