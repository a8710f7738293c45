// Package request is the life of one data subject request: what can be asked, in which state it is, what may happen to
// it next, and what must be true before it does. It is pure; rows, mails and jobs are elsewhere.
package request

import "slices"

// Kind is what a request asks for. A message that asks for several things becomes several linked requests.
type Kind string

// The kinds.
const (
	Access            Kind = "access"
	Portability       Kind = "portability"
	KnowCategories    Kind = "know_categories" // CCPA
	KnowSpecific      Kind = "know_specific"   // CCPA
	Rectification     Kind = "rectification"
	Erasure           Kind = "erasure"
	Restriction       Kind = "restriction"
	RestrictionLift   Kind = "restriction_lift"
	Objection         Kind = "objection"
	ConsentWithdrawal Kind = "consent_withdrawal"
	OptOut            Kind = "opt_out" // CCPA, of sale and sharing
	Limit             Kind = "limit"   // CCPA, the use of sensitive information
	ChildReport       Kind = "child_report"

	Unclear Kind = "unclear" // a mail that does not say which right it is about, or is a question
)

// Kinds lists all of them.
func Kinds() []Kind {
	return []Kind{Access, Portability, KnowCategories, KnowSpecific, Rectification, Erasure, Restriction, RestrictionLift,
		Objection, ConsentWithdrawal, OptOut, Limit, ChildReport, Unclear}
}

// Known says whether the kind is one of those.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Discloses says whether fulfilling the request hands over personal data.
func (k Kind) Discloses() bool {
	return k == Access || k == Portability || k == KnowCategories || k == KnowSpecific
}

// Destroys says whether fulfilling it deletes data for good.
func (k Kind) Destroys() bool { return k == Erasure || k == ChildReport }

// Unverified says whether the request is acted on without knowing who asks: it only ever makes us do less, or asks for a
// word of explanation.
func (k Kind) Unverified() bool {
	return k == OptOut || k == Limit || k == ConsentWithdrawal || k == ChildReport || k == Unclear
}

// Immediate says whether it takes effect when it arrives, before it is weighed.
func (k Kind) Immediate() bool {
	return k == Restriction || k == Objection || k == ConsentWithdrawal || k == OptOut || k == Limit || k == ChildReport
}
