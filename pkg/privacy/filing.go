package privacy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
)

// Filing is what somebody asks for without a session. It opens the same kind of request as one made with a session: with the
// same clocks, from the moment in which it came. Nothing is disclosed, corrected or erased before it is known who asks.
type Filing struct {
	From        string // the address that it came from, or that the answer is to go to
	Name        string
	Kinds       []request.Kind // in the order in which they are dealt with; none opens one request that is unclear
	Description string
	Where       clocks.Residence
	Agent       *Agent // who asks for the person; nil when they do themself
}

// maxDescription is how many characters of a person's words are kept.
const maxDescription = 10_000

// Asker is the handle behind which the requests from an address lie: the user's who has it, or the correspondent's.
func Asker(ctx context.Context, st *store.Store, actor store.Actor, p keys.Pseudonyms, address string) (Person, error) {
	marker, err := store.Get[account.Address](ctx, st.BindPlatform(actor), store.MailLookup(account.HashOf(p, address)))
	if errors.Is(err, store.ErrMissing) {
		h := st.BindCase(correspondents.HashOf(p, address), actor)
		h.SeeRestricted()
		return h, nil
	}
	if err != nil {
		return nil, err
	}
	h := st.BindUser(marker.User, actor)
	h.SeeRestricted()
	return h, nil
}

// Person is a person's handle: a user's, or a correspondent's.
type Person interface{ holder }

// File adds what a mail asks for to a transaction. What is open already is not opened again: it is noted that the person
// asked once more. Beyond DailyRequests within a day nothing more is opened.
func File(ctx context.Context, tx *store.Tx, h Person, f Filing) error {
	recent, err := recentOf(ctx, h)
	if err != nil {
		return err
	}
	today := 0
	for _, r := range recent {
		if r.Received > h.Now().Add(-24*time.Hour).Unix() && !r.Processor {
			today++
		}
	}
	kinds := f.Kinds
	if len(kinds) == 0 {
		kinds = []request.Kind{request.Unclear}
	}
	var opened []*Request
	for _, k := range kinds {
		if i := slices.IndexFunc(recent, func(r *Request) bool { return r.Kind == k && r.State.Open() && !r.Processor }); i >= 0 {
			again := recent[i]
			again.note(h.Now(), "asked_again", "")
			again.add(f.Description, h.Now())
			again.save(tx, h, again.Next)
			continue
		}
		if today++; today > DailyRequests {
			continue
		}
		r, err := arrive(h, channelMail, k, f)
		if err != nil {
			return err
		}
		opened = append(opened, r)
	}
	if len(opened) == 0 {
		return nil
	}
	for _, r := range opened {
		for _, other := range opened {
			if other != r {
				r.note(h.Now(), "linked", string(other.ID)) // they came in one message
			}
		}
		r.open(tx, h)
	}
	return known(ctx, tx, h, f)
}

func recentOf(ctx context.Context, h holder) ([]*Request, error) {
	recent, _, err := store.List[Request](ctx, h, store.Query{Partition: h.Scope().Partition(FamilyRequest), Descending: true, Limit: 50})
	return recent, err
}

// known keeps the address of a correspondent for as long as it is needed.
func known(ctx context.Context, tx *store.Tx, h holder, f Filing) error {
	hash, ok := h.Scope().Case()
	if !ok {
		return nil
	}
	c := h.Store().BindCase(hash, h.Actor())
	c.SeeRestricted()
	tx.ArmWake(h, correspondents.Purge(hash, h.Now().Add(outbox.Life)))
	return correspondents.Heard(ctx, tx, c, f.From, f.Name)
}

// arrive makes a request that came without a session.
func arrive(h holder, channel string, k request.Kind, f Filing) (*Request, error) {
	r := newRequest(h.Store(), h, h.Now(), k, f.Where)
	r.Channel, r.Description = channel, cut(f.Description, maxDescription)
	r.by(f.Agent)
	var e request.Event
	if k.Unverified() {
		e = request.Event{Type: request.IdentityClear, At: h.Now()}
	} else {
		e = request.Event{Type: request.IdentityDoubted, At: h.Now()}
	}
	return r, r.happen(e)
}

// open adds a new request to a transaction, with its line on the docket, its clock and the mail that acknowledges it.
func (r *Request) open(tx *store.Tx, h holder) {
	tx.Create(h, r)
	r.line(tx, h)
	if r.Next != 0 {
		tx.Arm(h, r.due())
	}
	ids := map[string]string{"case": string(r.ID), "kind": string(r.Kind), "due": clock.At(r.Due).Format(time.DateOnly), "state": string(r.State)}
	if r.AgentEmail != "" {
		ids["agent"] = "yes"
	}
	outbox.Queue(tx, h, MailReceived, string(r.ID), ids)
}

// add keeps what a person says later.
func (r *Request) add(text string, now time.Time) {
	if text == "" {
		return
	}
	r.Description = cut(strings.TrimSpace(r.Description+"\n\n["+now.UTC().Format(time.DateOnly)+"]\n"+text), maxDescription)
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// Hear adds an answer to one of our mails about a request to that request. One that was unclear becomes what the answer says
// that it is about. It is false when there is no such open request.
func Hear(ctx context.Context, tx *store.Tx, h Person, c id.Case, kinds []request.Kind, text string) (bool, error) {
	r, err := store.Get[Request](ctx, h, requestKey(h.Scope(), c))
	if errors.Is(err, store.ErrMissing) || err == nil && !r.State.Open() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	was := r.Next
	r.note(h.Now(), "answered_by_mail", "")
	r.add(text, h.Now())
	if r.Kind == request.Unclear && len(kinds) > 0 {
		if err := r.clarify(kinds[0], h.Now()); err != nil {
			return false, err
		}
		if err := r.settle(false, h.Now()); err != nil {
			return false, err
		}
		outbox.Queue(tx, h, MailClarified, store.Join(string(r.ID), "clarified"), map[string]string{"case": string(r.ID), "kind": string(r.Kind),
			"due": clock.At(r.Due).Format(time.DateOnly), "state": string(r.State)})
	}
	r.save(tx, h, was)
	return true, nil
}

// clarify makes an unclear request one of a kind. Its dates are still counted from when it came.
func (r *Request) clarify(k request.Kind, now time.Time) error {
	d := clocks.Derive(clocks.Intake{Kind: k, Received: clock.At(r.Received), Regimes: clocks.Regimes(clocks.Residence{Country: r.Country, Region: r.Region})})
	if err := r.happen(request.Event{Type: request.Clarified, At: now, Kind: k, Until: d.Due}); err != nil {
		return err
	}
	r.Steps, r.Acknowledge = stepsOf(d.Steps), stepsOf(d.Acknowledge)
	return nil
}

// settle says of a request that has just come, or become clear, whether it is known who asks.
func (r *Request) settle(proved bool, now time.Time) error {
	e := request.Event{Type: request.IdentityDoubted, At: now}
	if proved || r.Kind.Unverified() {
		e = request.Event{Type: request.IdentityClear, At: now, Fresh: proved}
	}
	r.Next = now.Unix()
	return r.happen(e)
}

// replyPurpose is what the tags of reply addresses about requests are derived for.
const replyPurpose = "request-reply"

// ReplyTag is what the reply address of a mail about a request says: which request, and that the address was ours to give.
func ReplyTag(links keys.Links, s store.Scope, c id.Case) string {
	_, ulid, _ := strings.Cut(string(c), "_")
	return strings.ToLower(ulid) + "." + links.Short(replyPurpose, store.Join(s.String(), string(c)))
}

// Tagged finds the request that a tag is of, if it is one of a scope.
func Tagged(links keys.Links, s store.Scope, tag string) (id.Case, bool) {
	ulid, proof, _ := strings.Cut(tag, ".")
	c, err := id.Parse[id.Case](id.PrefixCase + "_" + strings.ToUpper(ulid))
	return c, err == nil && links.CheckShort(proof, replyPurpose, store.Join(s.String(), string(c)))
}
