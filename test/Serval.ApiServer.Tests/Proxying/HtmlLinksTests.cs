using Serval.ApiServer.Proxying;

namespace Serval.ApiServer.Tests.Proxying;

/// <summary>Which links of a proxied answer lead back through the proxy.</summary>
public sealed class HtmlLinksTests
{
    private static readonly ProxyLinks s_links = new("/api/v1/namespaces/a/pods/p/proxy", "10.0.0.5:80", "localhost:8001");

    [Theory]
    [InlineData("/x?q=1", "/P/x?q=1")]
    [InlineData("/", "/P/")]
    [InlineData("x/y", "x/y")]
    [InlineData("", "")]
    [InlineData("#top", "#top")]
    [InlineData("http://10.0.0.5:80/x", "/P/x")]
    [InlineData("//10.0.0.5:80/x", "/P/x")]
    [InlineData("http://localhost:8001/x", "http://localhost:8001/P/x")]
    [InlineData("http://localhost:8001/P/x", "http://localhost:8001/P/x")]
    [InlineData("/P/x", "/P/x")]
    [InlineData("https://example.org/x", "https://example.org/x")]
    [InlineData("http://10.0.0.5:80", "http://10.0.0.5:80")]
    [InlineData("/go?to=http://10.0.0.5:80/x", "/P/go?to=http://10.0.0.5:80/x")]
    [InlineData("mailto:a@b", "mailto:a@b")]
    public void Link(string link, string expected) => Assert.Equal(Long(expected), s_links.Rewrite(Long(link)));

    [Theory]
    [InlineData("<a href=\"/x\">/y</a>", "<a href=\"/P/x\">/y</a>")]
    [InlineData("<A HREF='/x' class=\"/y\">", "<A HREF='/P/x' class=\"/y\">")]
    [InlineData("<img src=/x.png>", "<img src=/P/x.png>")]
    [InlineData("<img alt = \"a>b\" src = '/x'/>", "<img alt = \"a>b\" src = '/P/x'/>")]
    [InlineData("<form action=/go><input src=/i formaction=/f>", "<form action=/P/go><input src=/P/i formaction=/P/f>")]
    [InlineData("<script src=\"/a.js\">if (1<a) b = '<a href=\"/x\">';</script><a href=/z>", "<script src=\"/P/a.js\">if (1<a) b = '<a href=\"/x\">';</script><a href=/P/z>")]
    [InlineData("<!-- <a href=\"/x\"> --><a href=\"/x\">", "<!-- <a href=\"/x\"> --><a href=\"/P/x\">")]
    [InlineData("<p title=\"/x\">1 < 2 <a href=\"rel\">", "<p title=\"/x\">1 < 2 <a href=\"rel\">")]
    [InlineData("<a href=\"/x", "<a href=\"/x")]
    [InlineData("<a", "<a")]
    [InlineData("<a href", "<a href")]
    [InlineData("<a href=", "<a href=")]
    [InlineData("<!--", "<!--")]
    [InlineData("<", "<")]
    [InlineData("<title>/x", "<title>/x")]
    public void Page(string page, string expected) => Assert.Equal(Long(expected), HtmlLinks.Rewrite(page, s_links.Rewrite));

    [Theory]
    [InlineData(1000, "<a href=\"/x\"><a href=\"/x\">", true)]
    [InlineData(60, "<a href=\"/x\"><a href=\"/x\">", false)]
    [InlineData(60, "<a href=\"/x\" href=\"/x\" href=\"/x\">", false)]
    [InlineData(60, "<a href=\"/x\"> a long text after the only link of the page", false)]
    public void Page_PassesAsItIs_WhenItWouldBeTooLong(int most, string page, bool rewritten)
    {
        var asked = 0;
        Assert.Equal(rewritten ? Long(page.Replace("/x", "/P/x", StringComparison.Ordinal)) : page, HtmlLinks.Rewrite(page, l => asked++ is var _ ? s_links.Rewrite(l) : l, most));
        Assert.InRange(asked, 1, 2); // and no more is written than the bound and a link
    }

    [Fact]
    public void AnyText_IsReadToItsEnd()
    {
        const int seed = 20261122;
        var random = new Random(seed);
        const string letters = "<>/=\"' a!-hrefsciptx\t\n";
        for (var i = 0; i < 20_000; i++)
        {
            var page = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => letters[random.Next(letters.Length)]));
            Assert.True(HtmlLinks.Rewrite(page, link => link) == page, $"seed {seed}: {page}");
        }
    }

    private static string Long(string text) => text.Replace("/P", "/api/v1/namespaces/a/pods/p/proxy", StringComparison.Ordinal);
}
