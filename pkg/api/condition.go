package api

import (
	"strconv"
	"strings"

	"pixeltrack.io/platform/pkg/problem"
)

// IfMatch is embedded in the input of a PATCH, PUT or DELETE of what two people can edit. Its absence is 428.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the version that the change is made to, or * for any." example:"\"3\""`
}

type conditional interface{ required() error }

func (m IfMatch) required() error {
	if strings.TrimSpace(m.IfMatch) == "" {
		return problem.Of(problem.ConditionMissing, "if_match_required", "Send the ETag of the version you change in If-Match.")
	}
	return nil
}

// Matches says whether the caller meant this version; if not, it is 412.
func (m IfMatch) Matches(version int64) error {
	want := ETag(version)
	for _, tag := range strings.Split(m.IfMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == want {
			return nil
		}
	}
	return Stale()
}

// Stale is the refusal of a change to an older version.
func Stale() error {
	return problem.Of(problem.Stale, "stale_version", "It has changed since you read it; read it again.")
}

// ETag is the entity tag of a row version.
func ETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// Tagged is embedded in the output of a single read or write.
type Tagged struct {
	ETag string `header:"ETag" doc:"The version of what is in the body, for If-Match." example:"\"3\""`
}

// Tag makes the header for a row version.
func Tag(version int64) Tagged { return Tagged{ETag: ETag(version)} }
