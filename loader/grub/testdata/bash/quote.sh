echo one   two
echo "one   two" 'three   four'
echo a"b"'c'd
echo "it's" 'say "hi"' "\"q\"" \"x\" \'y\'
echo \$HOME '$HOME' "\$HOME"
echo "a\\b" 'a\\b' a\\b
echo "" '' x
echo a\ b a\;b a\#b a#b
echo "semi;colon" 'pipe|' "brace{}" amp\&
echo x # comment
# echo no
echo "new
line" 'and
another'
echo join\
ed "in\
side"
v="a  b"
echo $v
echo "$v"
echo "${v}c" ${v}c $v"x"
w='c"d'
echo $w "$w"
echo "[$nothing]" [$nothing] $nothing.
e=
echo $e"$e"z
echo '#' "#" \#
