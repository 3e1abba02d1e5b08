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
        Assert.Equal("must be no more than 63 bytes", Names.Label(new string('a', 64)));
    }
}
