"""Where the views are."""

from django.urls import path

from examples.django_shop import views

urlpatterns = [
    path("message", views.message),
    path("async/message", views.message_async),
    path("orders/<int:order_id>", views.place_order),
    path("health/live", views.live),
    path("health/ready", views.ready),
]
