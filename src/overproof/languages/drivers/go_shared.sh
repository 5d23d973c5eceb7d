# Makes what all Go programs share: the compiled driver, and where each package of the standard
# library lies compiled. Debian's Go 1.19 brings the library compiled; from 1.20 on it is done here.
set -e
mkdir std
ln -s . shared # builds see this folder under that name
library=$(go env GOROOT)/pkg/$(go env GOOS)_$(go env GOARCH)
if [ -e "$library/fmt.a" ]; then
    find -L "$library" -name '*.a' | sed "s#^$library/\(.*\)\.a\$#packagefile \1=&#" >importcfg
else
    export GOCACHE="$PWD/cache" CGO_ENABLED=0
    go list -export -f '{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}' std |
        while read -r package archive; do
            mkdir -p "std/$(dirname "$package")"
            cp "$archive" "std/$package.a"
            echo "packagefile $package=shared/std/$package.a"
        done >importcfg
fi
"$(go env GOTOOLDIR)/compile" -p overproof_driver -pack -dwarf=false -importcfg importcfg \
    -o std/overproof_driver.a go_driver.go go_json.go go_values.go
echo "packagefile overproof_driver=shared/std/overproof_driver.a" >>importcfg
