// Package id gives every kind of thing its own id type. An id is a prefix and a ULID (prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB);
// ids of one kind sort by the time they were made, member ids excepted, which are random throughout.
package id

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// One type for each kind of thing. A value of these types that came from Parse or New is well formed.
type (
	User         string // usr_…, one person's account
	Organization string // org_…
	Member       string // mbr_…, random: a person inside one organisation, without a trace of who it is
	Session      string // ses_…
	Client       string // cli_…
	Contact      string // cnt_…, a person at a client
	Project      string // prj_…
	Entry        string // ent_…, a time entry
	Timer        string // tmr_…
	Invoice      string // inv_…
	Payment      string // pay_…, what was paid of an invoice
	Refund       string // rfd_…, what was paid back of a payment
	Case         string // dsr_…, a data subject request
	Consent      string // con_…, one act of consent, refusal or withdrawal
	Export       string // exp_…
	Message      string // msg_…, one mail in the outbox
	SignUp       string // sgn_…, a sign-up that waits for its confirmation
	Reset        string // rst_…, a link that sets a new password
	Purge        string // pur_…, one act of retention
	Record       string // rec_…, one audit record
	Act          string // act_…, one thing that a member or a job did
	File         string // fil_…
	Picture      string // pic_…, of an account, or an organization's logo
	Passkey      string // psk_…
	Ticket       string // tkt_…, a question to support
	Post         string // pst_…, what was said in a ticket
	Invitation   string // ivt_…, an invitation into an organisation
	Offer        string // ofr_…, the offer of an organisation's ownership
	APIToken     string // key_…, an API token, not its secret
	Hold         string // hld_…, a legal hold
	Demand       string // lgr_…, what a court or authority demands
	Breach       string // brc_…, a breach of personal data
	Transfer     string // trf_…, a merger, acquisition or sale of the business
	Announcement string // ann_…, what people are told of before it takes effect
	Staff        string // stf_…, one of PixelTrack's own people, without a trace of which account
	Report       string // rpt_…, a report that an account is a child's
	Flag         string // flg_…, a suspicion of abuse
	Visit        string // vis_…, the time that staff may look into an organisation
)

// ErrMalformed says that a text is not an id of the kind asked for.
var ErrMalformed = errors.New("malformed id")

// Kind is any of the id types.
type Kind interface{ ~string }

// Prefixes of the kinds, without the underscore.
const (
	PrefixUser         = "usr"
	PrefixOrganization = "org"
	PrefixMember       = "mbr"
	PrefixSession      = "ses"
	PrefixClient       = "cli"
	PrefixContact      = "cnt"
	PrefixProject      = "prj"
	PrefixEntry        = "ent"
	PrefixTimer        = "tmr"
	PrefixInvoice      = "inv"
	PrefixPayment      = "pay"
	PrefixRefund       = "rfd"
	PrefixCase         = "dsr"
	PrefixConsent      = "con"
	PrefixExport       = "exp"
	PrefixMessage      = "msg"
	PrefixSignUp       = "sgn"
	PrefixReset        = "rst"
	PrefixPurge        = "pur"
	PrefixRecord       = "rec"
	PrefixAct          = "act"
	PrefixFile         = "fil"
	PrefixPicture      = "pic"
	PrefixPasskey      = "psk"
	PrefixTicket       = "tkt"
	PrefixPost         = "pst"
	PrefixInvitation   = "ivt"
	PrefixOffer        = "ofr"
	PrefixAPIToken     = "key"
	PrefixHold         = "hld"
	PrefixDemand       = "lgr"
	PrefixBreach       = "brc"
	PrefixTransfer     = "trf"
	PrefixAnnouncement = "ann"
	PrefixStaff        = "stf"
	PrefixReport       = "rpt"
	PrefixFlag         = "flg"
	PrefixVisit        = "vis"
)

// Prefix is the prefix of the ids of type T, "prj" for Project.
func Prefix[T Kind]() string {
	var zero T
	switch any(zero).(type) {
	case User:
		return PrefixUser
	case Organization:
		return PrefixOrganization
	case Member:
		return PrefixMember
	case Session:
		return PrefixSession
	case Client:
		return PrefixClient
	case Contact:
		return PrefixContact
	case Project:
		return PrefixProject
	case Entry:
		return PrefixEntry
	case Timer:
		return PrefixTimer
	case Invoice:
		return PrefixInvoice
	case Payment:
		return PrefixPayment
	case Refund:
		return PrefixRefund
	case Case:
		return PrefixCase
	case Consent:
		return PrefixConsent
	case Export:
		return PrefixExport
	case Message:
		return PrefixMessage
	case SignUp:
		return PrefixSignUp
	case Reset:
		return PrefixReset
	case Purge:
		return PrefixPurge
	case Record:
		return PrefixRecord
	case Act:
		return PrefixAct
	case File:
		return PrefixFile
	case Picture:
		return PrefixPicture
	case Passkey:
		return PrefixPasskey
	case Ticket:
		return PrefixTicket
	case Post:
		return PrefixPost
	case Invitation:
		return PrefixInvitation
	case Offer:
		return PrefixOffer
	case APIToken:
		return PrefixAPIToken
	case Hold:
		return PrefixHold
	case Demand:
		return PrefixDemand
	case Breach:
		return PrefixBreach
	case Transfer:
		return PrefixTransfer
	case Announcement:
		return PrefixAnnouncement
	case Staff:
		return PrefixStaff
	case Report:
		return PrefixReport
	case Flag:
		return PrefixFlag
	case Visit:
		return PrefixVisit
	}
	return ""
}

// Parse reads an id of kind T: its prefix, an underscore and 26 characters of a ULID in upper case, nothing else.
// It returns ErrMalformed for anything else.
func Parse[T Kind](s string) (T, error) {
	prefix, rest, ok := strings.Cut(s, "_")
	if !ok || prefix != Prefix[T]() || len(rest) != ulid.EncodedSize {
		return "", ErrMalformed
	}
	parsed, err := ulid.ParseStrict(rest)
	if err != nil || parsed.String() != rest {
		return "", ErrMalformed
	}
	return T(s), nil
}

// Made is when an id was made, to the millisecond. It says nothing of a member id, and of a text that is no id it is the
// beginning of time.
func Made[T Kind](of T) time.Time {
	_, rest, _ := strings.Cut(string(of), "_")
	parsed, err := ulid.ParseStrict(rest)
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(parsed.Time()).UTC()
}

// Earliest is the least id of kind T that can be made at a time or later, to the millisecond. It names nothing.
func Earliest[T Kind](at time.Time) T {
	var u ulid.ULID
	if err := u.SetTime(ulid.Timestamp(at)); err != nil {
		return T(Prefix[T]() + "_" + ulid.Zero.String()) // a time that no id is made at
	}
	return T(Prefix[T]() + "_" + u.String())
}

// Source makes ids. The zero value is not usable: both fields must be set.
type Source struct {
	Now  func() time.Time
	Rand io.Reader // crypto/rand in production
}

// NewSource makes ids from the clock given and the system's randomness.
func NewSource(now func() time.Time) Source { return Source{Now: now, Rand: rand.Reader} }

// New makes an id of kind T at the source's present time.
func New[T Kind](s Source) T {
	var at uint64
	if _, member := any(T("")).(Member); member {
		at = randomTime(s.Rand)
	} else {
		at = ulid.Timestamp(s.Now())
	}
	u, err := ulid.New(at, s.Rand)
	if err != nil {
		panic(fmt.Sprintf("id: no randomness: %v", err)) // the system's source never fails
	}
	return T(Prefix[T]() + "_" + u.String())
}

// Derived is the id of kind T that what a text names has at a time: the same every time, and another for another text.
func Derived[T Kind](at time.Time, of string) T {
	sum := sha256.Sum256([]byte(of))
	u, err := ulid.New(ulid.Timestamp(at), bytes.NewReader(sum[:]))
	if err != nil {
		return Earliest[T](at) // a time that no id is made at
	}
	return T(Prefix[T]() + "_" + u.String())
}

// randomTime fills the part of a ULID that otherwise tells when it was made.
func randomTime(r io.Reader) uint64 {
	var b [6]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		panic(fmt.Sprintf("id: no randomness: %v", err))
	}
	var at uint64
	for _, x := range b {
		at = at<<8 | uint64(x)
	}
	return at
}
