using Serval.Api.Schema;

namespace Serval.Api.Tests.Schema;

public sealed class QuantityTextTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("0Gi", "0")]
    [InlineData("1", "1")]
    [InlineData("100m", "100m")]
    [InlineData("0.1", "100m")]
    [InlineData("1000m", "1")]
    [InlineData("1500m", "1500m")]
    [InlineData("1.5", "1500m")]
    [InlineData("1000", "1k")]
    [InlineData("1500", "1500")]
    [InlineData("1.5Gi", "1536Mi")]
    [InlineData("1024Mi", "1Gi")]
    [InlineData("0.5Gi", "512Mi")]
    [InlineData("512Ki", "512Ki")]
    [InlineData("1e3", "1e3")]
    [InlineData("1000e3", "1e6")]
    [InlineData("-2000", "-2k")]
    [InlineData("+5", "5")]
    [InlineData(".5", "500m")]
    [InlineData("5.", "5")]
    [InlineData("0.1n", "1n")]
    [InlineData("1E", "1E")]
    [InlineData("1Ei", "1Ei")]
    [InlineData("100Mi", "100Mi")]
    public void TryCanonicalize_Amount_IsShortestWithoutFraction(string text, string canonical)
    {
        Assert.True(QuantityText.TryCanonicalize(text, out var actual));
        Assert.Equal(canonical, actual);
        Assert.True(QuantityText.TryCanonicalize(actual, out var again));
        Assert.Equal(actual, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("1 Gi")]
    [InlineData("1gi")]
    [InlineData("1Mib")]
    [InlineData("1.2.3")]
    [InlineData("0x10")]
    [InlineData("--1")]
    [InlineData("1e")]
    public void TryCanonicalize_Nonsense_IsRefused(string text) => Assert.False(QuantityText.TryCanonicalize(text, out _));

    [Fact]
    public void TryParse_Amount_IsItsNumber()
    {
        Assert.True(QuantityText.TryParse("250m", out var cores));
        Assert.Equal(0.25m, cores);
        Assert.True(QuantityText.TryParse("1Gi", out var bytes));
        Assert.Equal(1073741824m, bytes);
        Assert.False(QuantityText.TryParse("99999999999999999999999999999", out _));
    }
}
