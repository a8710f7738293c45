// Command commonpasswords makes pkg/auth/password/common.bin of public lists of common passwords:
//
//	Django 5.2, django/contrib/auth/common-passwords.txt.gz, BSD-3-Clause (https://pypi.org/project/Django/5.2/)
//	  sha256 3c1baed62596de36860824eb3f436d5932d37ca8b06e59df78f5a44ec175afe4, 19,640 entries
//	zxcvbn 4.4.2, lib/frequency_lists.js (passwords), MIT (https://www.npmjs.com/package/zxcvbn/v/4.4.2)
//	  sha256 8c01b70a6d7728f27e3187f7b9b09085d4df090bd8222e0f242bf369e65541b8, 30,000 entries
//	pkg/auth/password/common.txt, this repository's own: long ones that the lists lack
//
// It refuses a list with another hash. What it writes is the sorted first five bytes of the SHA-256 of each entry.
//
//	cd infra/tools && go run ./commonpasswords common-passwords.txt.gz frequency_lists.js ../../pkg/auth/password/common.txt ../../pkg/auth/password/common.bin
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
)

const (
	djangoSum = "3c1baed62596de36860824eb3f436d5932d37ca8b06e59df78f5a44ec175afe4"
	zxcvbnSum = "8c01b70a6d7728f27e3187f7b9b09085d4df090bd8222e0f242bf369e65541b8"
	width     = 5  // bytes kept of a hash
	longest   = 66 // bytes of an entry: package password looks for none that is longer
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: commonpasswords common-passwords.txt.gz frequency_lists.js common.txt common.bin")
	}
	var entries []string
	packed, err := gzip.NewReader(bytes.NewReader(read(os.Args[1], djangoSum)))
	must(err)
	django, err := io.ReadAll(packed)
	must(err)
	entries = append(entries, strings.Fields(string(django))...)
	list := regexp.MustCompile(`passwords: "([^"]*)"`).FindSubmatch(read(os.Args[2], zxcvbnSum))
	if list == nil {
		log.Fatal("no list of passwords in ", os.Args[2])
	}
	entries = append(entries, strings.Split(string(list[1]), ",")...)
	entries = append(entries, strings.Split(strings.TrimSpace(string(read(os.Args[3], ""))), "\n")...)

	hashes := make([][]byte, len(entries))
	for i, e := range entries {
		if len(e) > longest {
			log.Fatalf("an entry of %d bytes", len(e))
		}
		sum := sha256.Sum256([]byte(strings.ToLower(e)))
		hashes[i] = sum[:width]
	}
	slices.SortFunc(hashes, bytes.Compare)
	hashes = slices.CompactFunc(hashes, bytes.Equal)
	must(os.WriteFile(os.Args[4], bytes.Join(hashes, nil), 0o644))
	fmt.Println(len(hashes), "entries")
}

// read reads a file that has a hash, unless none is asked for.
func read(name, want string) []byte {
	text, err := os.ReadFile(name)
	must(err)
	if got := fmt.Sprintf("%x", sha256.Sum256(text)); want != "" && got != want {
		log.Fatalf("%s has the sha256 %s; want %s", name, got, want)
	}
	return text
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
