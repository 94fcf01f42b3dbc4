"""The fast backend: aiohttp's connector and parser under httpx's interface."""
