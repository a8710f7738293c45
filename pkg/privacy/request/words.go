package request

import (
	"regexp"
	"slices"
	"strings"
)

// Asked finds the rights that a message asks for by its words, access before everything that destroys. It is empty for a
// message that does not say it in so many words: its writer is asked then, and people read it.
func Asked(text string) []Kind {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	var all []Kind
	for _, w := range words() {
		if w.expression.MatchString(text) && !slices.Contains(all, w.kind) {
			all = append(all, w.kind)
		}
	}
	return all
}

type word struct {
	kind       Kind
	expression *regexp.Regexp
}

// words is the one table of what means which right, in the order in which they are dealt with: GDPR, CCPA and PIPEDA by
// article and name, and what people say.
func words() []word {
	list := []struct {
		kind Kind
		of   string
	}{
		{Access, `\b(subject access|access request|right (of|to) access|right to know|dsar|sar)\b|\barticle 15\b|\bart\.? ?15\b|\b(copy|copies) of (all )?(of )?(my|the) (personal )?(data|information)\b|\bwhat (personal )?(data|information) (do )?you (have|hold|store|keep)\b|\b(access to|send me|give me|provide me with) (all )?(of )?my (personal )?(data|information)\b|\bauskunft\b`},
		{Portability, `\bportab(le|ility)\b|\barticle 20\b|\bart\.? ?20\b|\bmachine[- ]readable\b`},
		{Rectification, `\brectif(y|ication)\b|\barticle 16\b|\bart\.? ?16\b|\bcorrect (my|the|an?) [a-z ]{0,30}(data|information|name|address|record|entry)\b|\bberichtig`},
		{Restriction, `\brestrict(ion)? (of )?(the )?(processing|use)\b|\barticle 18\b|\bart\.? ?18\b`},
		{Objection, `\b(i )?object to\b|\bright to object\b|\barticle 21\b|\bart\.? ?21\b|\bwiderspr(uch|eche)\b`},
		{ConsentWithdrawal, `\bwithdraw(al of)? (my )?consent\b|\b(revoke|take back) (my )?consent\b`},
		{OptOut, `\bopt(ing)?[- ]?out\b|\bdo not sell\b|\bdon't sell\b`},
		{Limit, `\blimit (the )?use (and disclosure )?of (my )?sensitive\b`},
		{Erasure, `\b(erase|erasure)\b|\bright to be forgotten\b|\barticle 17\b|\bart\.? ?17\b|\b(delete|remove|deletion of|removal of) (all )?(of )?(my|the) (personal )?(data|information|account|details)\b|\bdelete everything\b|\blösch(en|ung)\b`},
	}
	all := make([]word, len(list))
	for i, w := range list {
		all[i] = word{w.kind, regexp.MustCompile(w.of)}
	}
	return all
}
