// Package referrals is what an organization learns when somebody whom it keeps as a client or a client's contact asks
// PixelTrack about their data. The organization decides about that data (controller), PixelTrack keeps it on its behalf
// (processor): the request is forwarded to it, and it says what it did.
package referrals

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the requests that were forwarded to an organization.
const Family store.Family = "REFERRAL"

// Kept is how long a forwarded request is kept after its answer was due.
const Kept = 90 * 24 * time.Hour

// Answer is what an organization did about a request.
type Answer string

// The answers.
const (
	Acted   Answer = "acted"   // it did what was asked for
	Refused Answer = "refused" // with a reason
	NoData  Answer = "no_data" // it has nothing of who asks
)

// State is where a forwarded request stands for its organization.
type State string

// The states.
const (
	Open      State = "open"
	Answered  State = "answered"
	Withdrawn State = "withdrawn" // who asked has taken it back
	Over      State = "over"      // it was due before; who asked was told to turn to the organization
)

// State says where the request stands at a time.
func (r *Referral) State(now time.Time) State {
	switch {
	case r.Answer != "":
		return Answered
	case r.Withdrawn != 0:
		return Withdrawn
	case r.Due <= now.Unix():
		return Over
	}
	return Open
}

// MostPlaces is how many places of one organization a request names. It finds the others by what these say.
const MostPlaces = 50

// Place is where an organization has the address of who asks: a client, a contact, or who is to pay an invoice.
type Place struct {
	Client  id.Client  `json:"client_id,omitempty" dynamo:"client,omitempty" doc:"A client that has the address, or whose contact has it." example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Contact id.Contact `json:"contact_id,omitempty" dynamo:"contact,omitempty" doc:"A client's contact." example:"cnt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Invoice id.Invoice `json:"invoice_id,omitempty" dynamo:"invoice,omitempty" doc:"An invoice that went to the address." example:"inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// Referral is a request that was forwarded to an organization.
type Referral struct {
	store.Meta
	Org         id.Organization `dynamo:"org"`
	Case        id.Case         `dynamo:"case"`
	Kind        request.Kind    `dynamo:"kind"`
	Email       string          `dynamo:"email,omitempty"` // of who asks; gone once an erasure was done
	Places      []Place         `dynamo:"places,omitempty"`
	Description string          `dynamo:"description,omitempty"` // of a correction: what is wrong and what is right
	Received    int64           `dynamo:"received"`              // epoch seconds, as all times here
	Forwarded   int64           `dynamo:"forwarded"`
	Due         int64           `dynamo:"due"`
	Answer      Answer          `dynamo:"answer,omitempty"`
	Explanation string          `dynamo:"explanation,omitempty"` // to who asks
	Answered    int64           `dynamo:"answered,omitempty"`
	By          id.Member       `dynamo:"answered_by,omitempty"`
	Withdrawn   int64           `dynamo:"withdrawn,omitempty"` // when who asked had taken it back; no answer comes after that, and none was there before
}

// Type is the row's type.
func (r *Referral) Type() string { return "REFERRAL" }

// Keys puts forwarded requests under their organization in order of arrival, and lists those that were neither answered nor
// withdrawn by the time until which an answer is passed on.
func (r *Referral) Keys() store.Keys {
	k := store.Keys{Primary: Key(r.Org, r.Case)}
	if r.Answer == "" && r.Withdrawn == 0 {
		k.Index1 = store.Key{PK: store.OrganizationScope(r.Org).Partition(Family, string(Open)), SK: store.Join(store.Instant(time.Unix(r.Due, 0)), string(r.Case))}
	}
	return k
}

// Key is where a forwarded request lies.
func Key(org id.Organization, c id.Case) store.Key {
	return store.OrganizationScope(org).Key(Family, string(c))
}

// ErrForwarded says that a request was forwarded to an organization before.
var ErrForwarded = errors.New("referrals: it was forwarded before")

// Forward adds to a transaction that a request goes to an organization, and a mail to each who decides for it. It fails with
// ErrForwarded when that was done before.
func (r *Referral) Forward(tx *store.Tx, org *store.Organization, leaders []*access.Access) {
	r.Expire(time.Unix(r.Due, 0).Add(Kept))
	tx.Create(org, r).Else(ErrForwarded)
	for _, l := range leaders {
		outbox.Queue(tx, org, MailForwarded, store.Join(MailForwarded, string(r.Case), string(l.Member)), map[string]string{"case": string(r.Case), "member": string(l.Member)})
	}
}

// Withdraw adds to a transaction that who asked has taken a request back which the organization has not answered, and a mail to
// each who decides for it. It fails with store.ErrStale when the organization answers meanwhile.
func (r *Referral) Withdraw(tx *store.Tx, org *store.Organization, leaders []*access.Access, now time.Time) {
	r.Withdrawn = now.Unix()
	tx.Rewrite(org, r)
	for _, l := range leaders {
		outbox.Queue(tx, org, MailWithdrawn, store.Join(MailWithdrawn, string(r.Case), string(l.Member)), map[string]string{"case": string(r.Case), "member": string(l.Member)})
	}
}

// Templates of the mails to who decides for an organization about a forwarded request.
const (
	MailForwarded = "data_request_forwarded"
	MailWithdrawn = "data_request_withdrawn"
)

// Templates lists the mails of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailForwarded, Compose: forwarded}, {Kind: MailWithdrawn, Compose: withdrawn}}
}

// addressed gives the request that a mail is about, and the member whom it goes to. Who has left, or decides no more, gets none.
func addressed(ctx context.Context, c *compose.Composer, m *outbox.Mail) (*Referral, compose.Person, error) {
	org, err := c.Organization(m)
	if err != nil {
		return nil, compose.Person{}, err
	}
	member, errMember := id.Parse[id.Member](m.Ids["member"])
	cid, errCase := id.Parse[id.Case](m.Ids["case"])
	if err := errors.Join(errMember, errCase); err != nil {
		return nil, compose.Person{}, fmt.Errorf("compose %s: %w", m.Template, err)
	}
	r, err := store.Get[Referral](ctx, org, Key(org.ID, cid))
	if err != nil {
		return nil, compose.Person{}, compose.Gone(err)
	}
	a, err := store.Get[access.Access](ctx, org, access.AccessKey(org.ID, member))
	if err != nil {
		return nil, compose.Person{}, compose.Gone(err)
	}
	if !a.Leads() {
		return nil, compose.Person{}, compose.ErrGone
	}
	user := c.Store.BindUser(a.User, c.Actor)
	user.SeeRestricted()
	to, err := c.People(ctx, user)
	return r, to, err
}

// withdrawn writes to one member that who asked has taken a request back. It is dropped for who has not been mailed of the
// request, and is not any more now that it was withdrawn.
func withdrawn(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	r, to, err := addressed(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	org, err := c.Organization(m)
	if err != nil {
		return mail.Message{}, err
	}
	told, err := store.Get[outbox.Mail](ctx, org, outbox.Key(org.Scope(), store.Join(MailForwarded, string(r.Case), m.Ids["member"])))
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return mail.Message{}, err
	}
	if err == nil && (told.State == outbox.Queued && told.Unsure == 0 || told.State == outbox.Dropped) {
		return mail.Message{}, compose.ErrGone
	}
	return c.Write(to, compose.Letter{
		Subject: "A request about personal data was withdrawn",
		Paragraphs: []string{"Somebody had asked us about their personal data with your organization, and we had forwarded the request to you. They have taken it back.",
			"Nothing needs to be done or answered any more, and none of our mails will ask for it. What you have done by now stays as you have done it.",
			"Which request it is, is shown behind the link."},
		Link: mail.Link{Label: "See the request", URL: c.Page("/organization/data-requests/" + string(r.Case))},
	}), nil
}

// forwarded writes to one member that a request waits for the organization. Who asks is told behind the login alone. It is
// dropped for a member who has left, or decides no more, and for a request that was answered or withdrawn.
func forwarded(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	r, to, err := addressed(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	if r.Answer != "" || r.Withdrawn != 0 {
		return mail.Message{}, compose.ErrGone
	}
	return c.Write(to, compose.Letter{
		Subject: "Somebody asks about their data with your organization",
		Paragraphs: []string{"Somebody whom your organization keeps as a client or a client's contact, or has sent an invoice, has asked us about their personal data. We keep that data for your organization, which decides about it; so we have forwarded the request to you, and told them so.",
			"The law gives you a month from now at most. We tell them what you answer; without an answer by " + time.Unix(r.Due, 0).UTC().Format(time.DateOnly) + " we tell them to turn to you.",
			"Who asks, for what, and where you have them is shown behind the link. You can export, correct, delete and erase there."},
		Link: mail.Link{Label: "See the request", URL: c.Page("/organization/data-requests/" + string(r.Case))},
	}), nil
}

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Referral{}, Type: "REFERRAL", Area: "organization", Subject: registry.SubjectContact, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassWork, Export: "data_requests", Family: string(Family), Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("case", "a random id"), registry.Plain("kind", "a fixed word"),
				registry.Personal("email", "email", "who asks about their data", registry.KeepController), registry.Plain("places", "random ids"),
				registry.Personal("description", "description", "what who asks says to be wrong", registry.KeepController),
				registry.Plain("received", "a time"), registry.Plain("forwarded", "a time"), registry.Plain("due", "a time"), registry.Plain("answer", "a fixed word"),
				registry.Personal("explanation", "explanation", "what who asks is told of the answer", registry.KeepController), registry.Plain("answered", "a time"),
				registry.Personal("answered_by", "answered_by", "who answered, by random id", registry.EraseUnlink), registry.Plain("withdrawn", "a time"),
			}},
	}
}

// Routes lists the routes of this package.
func Routes() []api.Operation { return []api.Operation{ListDataRequests(), AnswerDataRequest(nil)} }
