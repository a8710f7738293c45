// Command disposabledomains makes pkg/auth/disposable/domains.bin of a public list of domains whose addresses are thrown away:
//
//	disposable-email-domains 0.0.293, disposable_email_domains/__init__.py (blocklist), MIT
//	  (https://pypi.org/project/disposable-email-domains/0.0.293/)
//	  sha256 a885e0be9a92dedea4fe944391a1c81142045bb938b2ddbe688cb9fba7e8dd6f, 10,181 domains
//
// It refuses a list with another hash. What it writes is the sorted first five bytes of the SHA-256 of each domain.
//
//	cd infra/tools && go run ./disposabledomains __init__.py ../../pkg/auth/disposable/domains.bin
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"regexp"
	"slices"
)

const (
	listSum = "a885e0be9a92dedea4fe944391a1c81142045bb938b2ddbe688cb9fba7e8dd6f"
	width   = 5 // bytes kept of a hash
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: disposabledomains __init__.py domains.bin")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != listSum {
		log.Fatalf("%s has the sha256 %s; want %s", os.Args[1], got, listSum)
	}
	blocked, _, _ := bytes.Cut(text, []byte("}"))
	var hashes [][]byte
	for _, m := range regexp.MustCompile(`(?m)^    '([^']+)',$`).FindAllSubmatch(blocked, -1) {
		sum := sha256.Sum256(m[1])
		hashes = append(hashes, sum[:width])
	}
	slices.SortFunc(hashes, bytes.Compare)
	hashes = slices.CompactFunc(hashes, bytes.Equal)
	if err := os.WriteFile(os.Args[2], bytes.Join(hashes, nil), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(hashes), "domains")
}
