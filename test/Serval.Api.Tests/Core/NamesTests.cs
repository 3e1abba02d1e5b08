using Serval.Api.Core;

namespace Serval.Api.Tests.Core;

public sealed class NamesTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("a-1", true)]
    [InlineData("1a", true)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("a-", false)]
    [InlineData("A", false)]
    [InlineData("a.b", false)]
    [InlineData("a\n", false)]
    public void Label_Text_FollowsRfc1123(string text, bool valid) => Assert.Equal(valid, Names.Label(text) is null);

    [Theory]
    [InlineData("a.b", true)]
    [InlineData("a..b", false)]
    [InlineData(".a", false)]
    [InlineData("a.", false)]
    [InlineData("", false)]
    public void Subdomain_Text_FollowsRfc1123(string text, bool valid) => Assert.Equal(valid, Names.Subdomain(text) is null);

    [Theory]
    [InlineData("hello", true)]
    [InlineData("1hello", false)]
    public void Label1035_Text_StartsWithALetter(string text, bool valid) => Assert.Equal(valid, Names.Label1035(text) is null);

    [Theory]
    [InlineData("app", true)]
    [InlineData("example.com/My_Name.1", true)]
    [InlineData("/x", false)]
    [InlineData("x/", false)]
    [InlineData("a/b/c", false)]
    [InlineData("Ex.com/a", false)]
    [InlineData("-a", false)]
    public void QualifiedName_Text_FollowsKubernetes(string text, bool valid) => Assert.Equal(valid, Names.QualifiedName(text) is null);

    [Fact]
    public void Label_SixtyFourBytes_SaysTheLimit()
    {
        Assert.Null(Names.Label(new string('a', 63)));
        Assert.Equal("must be no more than 63 characters", Names.Label(new string('a', 64)));
    }

    /// <summary>Clients compare these texts letter by letter (knative/serving: TestServiceAccountValidation).</summary>
    [Fact]
    public void WrongText_IsToldInUpstreamsWords()
    {
        Assert.Equal(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
            + @"(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            Names.Subdomain("foo@bar.baz"));
        Assert.EndsWith("(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')", Names.Label("A"), StringComparison.Ordinal);
        Assert.Equal("must not contain dots", Names.Label("a.b"));
        Assert.EndsWith("(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')", Names.Label1035("1"), StringComparison.Ordinal);
        Assert.EndsWith(
            "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            Names.QualifiedName("-"), StringComparison.Ordinal);
        Assert.EndsWith(
            "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            Names.LabelValue("-"), StringComparison.Ordinal);
    }
}
