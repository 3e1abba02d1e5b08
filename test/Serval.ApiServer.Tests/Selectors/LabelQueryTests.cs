using Serval.Api;
using Serval.ApiServer.Selectors;

namespace Serval.ApiServer.Tests.Selectors;

/// <summary>Label selectors in their query form; the cases of upstream's own tests are among them (apimachinery: labels/selector_test.go).</summary>
public sealed class LabelQueryTests
{
    /// <summary>A selector, and label sets that it lets through and does not; sets are parted by <c>|</c>, an empty one is <c>-</c>.</summary>
    [Theory]
    [InlineData("", "-|x=y", "")]
    [InlineData("x=y", "x=y|x=y,z=w", "-|x=z|X=y")]
    [InlineData("x==y", "x=y", "x=z")]
    [InlineData("x=y,z=w", "x=y,z=w", "x=w,z=w|x=y")]
    [InlineData("x!=y,z!=w", "x=z,z=a|-", "x=z,z=w|x=y")]
    [InlineData("notin=in", "notin=in", "notin=x")]
    [InlineData("in in (in,notin)", "in=in|in=notin", "in=x|-")]
    [InlineData("x", "x=z|x=", "y=z|-")]
    [InlineData("!x", "y=z|-", "x=z|x=")]
    [InlineData(" ! x ", "-", "x=")]
    [InlineData("x>1", "x=2", "x=0|x=1|x=a|-")]
    [InlineData("x<1", "x=0|x=-5", "x=2|x=1|-")]
    [InlineData("x>1,z<5", "x=2,z=4", "x=2,z=5|x=2")]
    [InlineData("x>9223372036854775806", "x=9223372036854775807", "x=9223372036854775808")]
    [InlineData("x=", "x=", "x=a|-")]
    [InlineData("x=,z= ", "x=,z=", "x=")]
    [InlineData("x= ,z= ", "x=,z=", "z=")]
    [InlineData("\rx", "x=", "-")]
    [InlineData("this-is-a-dns.domain.com/key-with-dash", "this-is-a-dns.domain.com/key-with-dash=", "key-with-dash=")]
    [InlineData("0.1.2.domain/99 notin (10.10.100.1, tick.tack.clock)", "-|0.1.2.domain/99=1", "0.1.2.domain/99=tick.tack.clock")]
    [InlineData("foo  in\t (abc)", "foo=abc", "foo=")]
    [InlineData("x notin\n (abc)", "x=|-", "x=abc")]
    [InlineData("x  notin\t\t\t(abc,def)", "-", "x=abc|x=def")]
    [InlineData("x in (abc,)", "x=abc|x=", "-|x=a")]
    [InlineData("x in (abc,abc)", "x=abc", "x=")]
    [InlineData("x in ()", "x=", "x=a|-")]
    [InlineData("x in (,a)", "x=|x=a", "x=b")]
    [InlineData("x in (a,,a,,a,,a,,)", "x=a|x=", "x=b")]
    [InlineData("x notin (abc,,def),bar,z in (),w", "bar=,z=,w=,x=q|bar=,z=,w=", "bar=,z=,w=,x=|bar=,z=,x=q")]
    [InlineData("x notin ( )", "-|x=a", "x=")]
    [InlineData("x notin (, a)", "-|x=b", "x=|x=a")]
    [InlineData("a in (x,y,notin, z,in)", "a=in|a=notin|a=z", "a=q")]
    [InlineData("x,y in (a)", "x=,y=a", "x=a|y=a")]
    public void ASelector_LetsThrough(string selector, string matching, string others)
    {
        var query = LabelQuery.Parse(selector);
        Assert.All(Sets(matching), set => Assert.True(query.Matches(set)));
        Assert.All(Sets(others), set => Assert.False(query.Matches(set)));
    }

    [Theory]
    [InlineData("x=a||y=b", "unable to parse requirement: values[0][x]: Invalid value: \"a||y\": a valid label must be an empty string or consist of")]
    [InlineData(",x,y", "found ',', expected: !, identifier, or 'end of string'")]
    [InlineData("x nott in (y)", "unable to parse requirement: found 'nott', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("a in (xyz),", "found '', expected: identifier after ','")]
    [InlineData("a in (xyz)b notin ()", "found 'b', expected: ',' or 'end of string'")]
    [InlineData("a in (xyz abc)", "unable to parse requirement: found 'abc', expected: ',' or ')'")]
    [InlineData("a notin(", "unable to parse requirement: found '', expected: ',', ')' or identifier")]
    [InlineData("a (", "unable to parse requirement: found '(', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("(", "found '(', expected: !, identifier, or 'end of string'")]
    [InlineData("x==a==b", "found '==', expected: ',' or 'end of string'")]
    [InlineData("!x=a", "found '=', expected: ',' or 'end of string'")]
    [InlineData("x<a", "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer")]
    [InlineData("x=a b", "found 'b', expected: ',' or 'end of string'")]
    [InlineData("x in a", "unable to parse requirement: found 'a' expected: '('")]
    [InlineData("x,,y", "found ',', expected: identifier after ','")]
    [InlineData("(x)", "found '(', expected: !, identifier, or 'end of string'")]
    [InlineData("!", "unable to parse requirement: found '', expected: identifier")]
    [InlineData("x!", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("a.b/=c", "unable to parse requirement: <nil>: Invalid value: \"a.b/\": name part must be non-empty; name part must consist of alphanumeric characters")]
    public void WhatIsNoSelector_IsRefused(string selector, string message)
    {
        var refused = Assert.Throws<ApiException>(() => LabelQuery.Parse(selector));
        Assert.Equal((400, "BadRequest"), (refused.Code, refused.Reason));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<Dictionary<string, string>> Sets(string text) => text.Split('|', StringSplitOptions.RemoveEmptyEntries)
        .Select(set => set == "-" ? [] : set.Split(',').Select(label => label.Split('=')).ToDictionary(l => l[0], l => l[1]));
}
