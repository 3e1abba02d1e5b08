using Serval.Api.Core;

namespace Serval.Api.Tests.Core;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("0.5", "500m")]
    [InlineData("1000m", "1")]
    [InlineData("1024Mi", "1Gi")]
    [InlineData("100M", "100M")]
    [InlineData("1.5Gi", "1536Mi")]
    [InlineData("512", "512")]
    [InlineData("1e3", "1e3")]
    [InlineData("0.5Ki", "512")]
    [InlineData("-1", "-1")]
    [InlineData("2500k", "2500k")]
    [InlineData("100n", "100n")]
    [InlineData("0.0000000001", "1n")]
    public void ToString_AnyText_IsCanonical(string text, string canonical) => Assert.Equal(canonical, Quantity.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("1.2.3")]
    [InlineData("1mi")]
    [InlineData("1 Gi")]
    [InlineData("Mi")]
    [InlineData("1K")]
    [InlineData("--1")]
    public void TryParse_OtherText_Refuses(string text)
    {
        // "1K" reads in Kubernetes' grammar only as 1k: the capital is no suffix.
        Assert.False(Quantity.TryParse(text, out _));
    }

    [Fact]
    public void Compare_DifferentForms_IsByValue()
    {
        Assert.Equal(Quantity.Parse("1024Mi"), Quantity.Parse("1Gi"));
        Assert.True(Quantity.Parse("500m") < Quantity.Parse("1"));
        Assert.Equal(500, Quantity.Parse("0.5").MilliValue);
        Assert.Equal(1, Quantity.Parse("0.5").Value);
        Assert.Equal(134_217_728, Quantity.Parse("128Mi").Value);
    }
}
