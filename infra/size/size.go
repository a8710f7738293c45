// Package size says how big a proof is: small for every change, full for the figures that are quoted.
package size

import "os"

// Variable makes proofs full when it is set.
const Variable = "PIXELTRACK_PROVE"

// Full says whether proofs run at full size.
func Full() bool { return os.Getenv(Variable) != "" }

// Of gives the size of a proof.
func Of(small, full int) int {
	if Full() {
		return full
	}
	return small
}
